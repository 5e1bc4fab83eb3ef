// Serves the example pages at http://127.0.0.1:8000 (another port: `npm run pages -- 8080`). Pages that import
// packages are bundled when they are asked for.
import { context } from "esbuild";

const pages = await context({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["react/main.jsx", "stompjs/page.js"],
  bundle: true,
  jsx: "automatic",
  outdir: "bundled", // served as if it stood there; nothing is written
  write: false,
});
const { port } = await pages.serve({
  servedir: import.meta.dirname,
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? 8000),
});
console.log(`http://127.0.0.1:${port}/`);
