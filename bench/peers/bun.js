// Broadcasts each text frame to every connection but the senders: bun's own publish.
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    const url = new URL(request.url);
    const data = { sends: url.pathname === '/send', snapshot: Number(url.searchParams.get('snapshot')) };
    if (server.upgrade(request, { data })) return;
    return new Response('a WebSocket server\n');
  },
  websocket: {
    open(socket) {
      if (!socket.data.sends) socket.subscribe('all');
      // A first frame of so many bytes, for those who ask for one.
      if (socket.data.snapshot > 0) socket.send('x'.repeat(socket.data.snapshot));
    },
    message(_socket, data) {
      server.publish('all', data);
    },
  },
});

console.log(`listening on http://127.0.0.1:${server.port}`);
