import { useEffect, useRef, useState } from "react";

export default function Chat({ url }) {
  const [userId, setUserId] = useState("");
  const [messages, setMessages] = useState([]);
  const [text, setText] = useState("");
  const socket = useRef(null);

  useEffect(() => {
    const ws = new WebSocket(url);
    socket.current = ws;

    ws.onmessage = (event) => {
      const data = JSON.parse(event.data);
      if (data.type === "userId") {
        setUserId(data.userId);
      } else {
        setMessages((messages) => [...messages, data.message]);
      }
    };

    return () => ws.close();
  }, [url]);

  const sendMessage = (event) => {
    event.preventDefault();
    socket.current.send(JSON.stringify({ userId, message: text }));
    setText("");
  };

  return (
    <div>
      <h1>Chat</h1>
      <p>You are {userId}</p>
      <ul>
        {messages.map((message, index) => (
          <li key={index}>{message}</li>
        ))}
      </ul>
      <form onSubmit={sendMessage}>
        <input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} />
        <button disabled={!userId}>Send</button>
      </form>
    </div>
  );
}
