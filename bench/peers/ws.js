// Broadcasts each text frame to the room's connections but the senders: npm `ws`, as its README does it.
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
const rooms = new Map();

server.on('connection', (socket, request) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  // A first frame of so many bytes, for those who ask for one.
  if (searchParams.has('snapshot')) socket.send('x'.repeat(Number(searchParams.get('snapshot'))));
  const room = searchParams.get('room');
  const receivers = rooms.get(room) ?? new Set();
  rooms.set(room, receivers);
  if (pathname !== '/send') {
    receivers.add(socket);
    socket.on('close', () => receivers.delete(socket));
  }
  socket.on('message', (data) => {
    for (const receiver of receivers) receiver.send(data, { binary: false });
  });
});

server.on('listening', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
