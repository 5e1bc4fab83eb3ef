// Broadcasts each text frame to every connection but the senders: npm `ws`, as its README does it.
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
const receivers = new Set();

server.on('connection', (socket, request) => {
  if (request.url !== '/send') {
    receivers.add(socket);
    socket.on('close', () => receivers.delete(socket));
  }
  socket.on('message', (data) => {
    for (const receiver of receivers) receiver.send(data, { binary: false });
  });
});

server.on('listening', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
