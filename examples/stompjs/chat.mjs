// node chat.mjs [url] [room] [after]: sends each line that is typed, and prints each message with its number.
import { createInterface } from "node:readline";
import { Client } from "@stomp/stompjs";
import WebSocket from "ws";

const [url = "ws://127.0.0.1:3000/stomp", room = "lobby", after] = process.argv.slice(2);
let last = after; // the number of the newest message that is here

const client = new Client({
  webSocketFactory: () => new WebSocket(url, ["v12.stomp", "v11.stomp", "v10.stomp"]),
  reconnectDelay: 1000,
});

// Also called after each lost connection: the subscription then goes on behind the last message.
client.onConnect = (frame) => {
  console.log(`connected by STOMP ${frame.headers.version}`);
  client.subscribe(`/topic/${room}`, showMessage, last === undefined ? {} : { after: last });
};

client.onStompError = (frame) => console.log(`error: ${frame.headers.message}`);

client.onWebSocketClose = (event) => console.log(`disconnected: ${event.code} ${event.reason}`);

function showMessage(message) {
  last = message.headers.seq;
  console.log(`${last} ${message.headers.nickname}: ${message.body}`);
}

client.activate();

const lines = createInterface({ input: process.stdin });
lines.on("line", (body) => client.publish({ destination: `/app/${room}`, body }));
lines.on("close", () => client.deactivate());
