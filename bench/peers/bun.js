// Broadcasts each text frame to the room's connections but the senders: bun's own publish.
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    const { pathname, searchParams } = new URL(request.url);
    const room = searchParams.get('room') ?? 'all';
    const data = { sends: pathname === '/send', room, snapshot: Number(searchParams.get('snapshot')) };
    if (server.upgrade(request, { data })) return;
    return new Response('a WebSocket server\n');
  },
  websocket: {
    open(socket) {
      if (!socket.data.sends) socket.subscribe(socket.data.room);
      // A first frame of so many bytes, for those who ask for one.
      if (socket.data.snapshot > 0) socket.send('x'.repeat(socket.data.snapshot));
    },
    message(socket, data) {
      server.publish(socket.data.room, data);
    },
  },
});

console.log(`listening on http://127.0.0.1:${server.port}`);
