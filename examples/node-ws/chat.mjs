// node chat.mjs [url]: each line that is typed goes out as it is, such as `Ada => Hello`.
import { createInterface } from "node:readline";
import WebSocket from "ws";

const socket = new WebSocket(process.argv[2] ?? "ws://127.0.0.1:3000/plain?mode=text");

socket.on("open", () => console.log("connected"));

socket.on("message", (data) => console.log(data.toString()));

socket.on("error", (error) => console.error(`error: ${error.message}`));

socket.on("close", (code, reason) => {
  console.log(`disconnected: ${code} ${reason}`);
  process.exit();
});

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => socket.send(line));
lines.on("close", () => socket.close());
