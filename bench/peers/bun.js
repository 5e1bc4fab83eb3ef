// Broadcasts each text frame to every connection but the senders: bun's own publish.
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    const sends = new URL(request.url).pathname === '/send';
    if (server.upgrade(request, { data: { sends } })) return;
    return new Response('a WebSocket server\n');
  },
  websocket: {
    open(socket) {
      if (!socket.data.sends) socket.subscribe('all');
    },
    message(_socket, data) {
      server.publish('all', data);
    },
  },
});

console.log(`listening on http://127.0.0.1:${server.port}`);
