import { createRoot } from "react-dom/client";
import Chat from "./Chat.jsx";

// The page's address may name the server, and what else the server is asked for: ?server=127.0.0.1:3000&room=lobby
const asked = new URLSearchParams(location.search);
const server = asked.get("server") ?? `${location.hostname}:3000`;
asked.delete("server");

createRoot(document.getElementById("root")).render(<Chat url={`ws://${server}/?${asked}`} />);
