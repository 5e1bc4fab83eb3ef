// Broadcasts each text frame to every connection but the senders: npm `ws`, as its README does it.
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
const receivers = new Set();

// A first frame of so many bytes, for those who ask for one.
const snapshot = (url) => 'x'.repeat(Number(new URL(url, 'http://localhost').searchParams.get('snapshot')));

server.on('connection', (socket, request) => {
  if (request.url.includes('snapshot')) socket.send(snapshot(request.url));
  if (request.url !== '/send') {
    receivers.add(socket);
    socket.on('close', () => receivers.delete(socket));
  }
  socket.on('message', (data) => {
    for (const receiver of receivers) receiver.send(data, { binary: false });
  });
});

server.on('listening', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
