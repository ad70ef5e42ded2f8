// Chapter 6 with events instead of waiting: one thread, many clients, nothing blocks.
//
//     node 06-events.js encoder|decoder PORT
//     node 06-events.js HOST PORT
'use strict';
const net = require('net');
const readline = require('readline');

const LIMIT = 1 << 24;

function frame(text) {
  const body = Buffer.from(text, 'utf8');
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

// Calls onFrame for each whole frame, however the bytes come; onBad for a length over the limit.
function frames(socket, onFrame, onBad) {
  let pending = Buffer.alloc(0);
  socket.on('data', (piece) => {
    pending = Buffer.concat([pending, piece]);
    while (pending.length >= 4) {
      const length = pending.readUInt32BE(0);
      if (length > LIMIT) return onBad();
      if (pending.length < 4 + length) return;
      const body = pending.subarray(4, 4 + length);
      pending = pending.subarray(4 + length);
      onFrame(body);
    }
  });
}

function encode(body) {
  return [...body].map((byte) => byte.toString(2).padStart(8, '0')).join(' ');
}

function decode(body) {
  const groups = body.toString('utf8').trim().split(/\s+/);
  if (groups.some((group) => !/^[01]{1,8}$/.test(group))) return 'error: no binary digits';
  return Buffer.from(groups.map((group) => parseInt(group, 2))).toString('utf8');
}

function serve(answer, port) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    frames(socket, (body) => {
      if (body.length === 0) return socket.end();
      socket.write(frame(answer(body)));
    }, () => socket.destroy());
  });
  server.listen(port, '127.0.0.1', () => console.log(`ready on ${port}`));
}

function connect(host, port) {
  const socket = net.connect(port, host);
  const lines = readline.createInterface({ input: process.stdin });
  const typed = [];
  let waiting = false;
  let over = false;
  let gone = false;

  function next() {
    if (waiting || gone) return;
    const line = typed.shift();
    if (line === undefined ? over : line === '') {
      gone = true;
      socket.end(frame(''));
      lines.close();
      process.stdin.destroy();
    } else if (line !== undefined) {
      waiting = true;
      socket.write(frame(line));
    }
  }

  lines.on('line', (line) => { typed.push(line); next(); });
  lines.on('close', () => { over = true; next(); });
  socket.on('error', (error) => { console.error(error.message); process.exit(1); });
  socket.on('close', () => process.exit(waiting ? 1 : 0));
  frames(socket, (body) => {
    console.log(`answer: ${body.toString('utf8')}`);
    waiting = false;
    next();
  }, () => process.exit(1));
}

const [what, port] = [process.argv[2], Number(process.argv[3])];
if (what === 'encoder') serve(encode, port);
else if (what === 'decoder') serve(decode, port);
else connect(what, port);
