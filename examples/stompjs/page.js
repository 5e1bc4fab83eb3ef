import { Client } from "@stomp/stompjs";

// The page's address may name the server and the room: ?server=127.0.0.1:3000&room=lobby
const asked = new URLSearchParams(location.search);
const server = asked.get("server") ?? `${location.hostname}:3000`;
const room = asked.get("room") ?? "lobby";

let last = asked.get("after"); // the number of the newest message that is here

const stompClient = new Client({
  brokerURL: `ws://${server}/stomp`,
  reconnectDelay: 1000,
});

// Also called after each lost connection: the subscription then goes on behind the last message.
stompClient.onConnect = () => {
  setConnected(true);
  stompClient.subscribe(`/topic/${room}`, showMessage, last === null ? {} : { after: last });
};

stompClient.onStompError = (frame) => {
  show("state", frame.headers.message);
};

stompClient.onWebSocketClose = () => {
  setConnected(false);
};

function setConnected(connected) {
  document.getElementById("connect").disabled = connected;
  document.getElementById("disconnect").disabled = !connected;
  show("state", connected ? "connected" : "disconnected");
}

function sendMessage(event) {
  event.preventDefault();
  const text = document.getElementById("text");
  stompClient.publish({ destination: `/app/${room}`, body: text.value });
  text.value = "";
}

function showMessage(message) {
  last = message.headers.seq;
  const item = document.createElement("li");
  item.textContent = `${message.headers.nickname}: ${message.body}`;
  document.getElementById("messages").append(item);
}

function show(id, text) {
  document.getElementById(id).textContent = text;
}

document.getElementById("connect").onclick = () => stompClient.activate();
document.getElementById("disconnect").onclick = () => stompClient.deactivate();
document.getElementById("form").onsubmit = sendMessage;
