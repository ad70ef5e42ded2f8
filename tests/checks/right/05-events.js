// Chapter 5 by events: each socket has its own buffer, and the name is in a closure.
//
//     node 05-events.js server PORT
//     node 05-events.js HOST PORT
const net = require('net');
const readline = require('readline');

const REQUEST = /^\s*(-?\d+(?:\.\d+)?)\s+([-+*/])\s+(-?\d+(?:\.\d+)?)\s*$/;

function answer(line) {
  const match = REQUEST.exec(line);
  if (!match) return 'error: malformed';
  const [a, b] = [Number(match[1]), Number(match[3])];
  const value = { '+': a + b, '-': a - b, '*': a * b, '/': a / b }[match[2]];
  return Number.isFinite(value) ? String(value) : 'error: no result';
}

function lines(socket, take) {
  let rest = '';
  socket.on('data', (piece) => {
    const parts = (rest + piece).split('\n');
    rest = parts.pop();
    parts.forEach((line) => take(line.trim()));
  });
}

function server(port) {
  const listener = net.createServer((socket) => {
    let name;
    lines(socket, (line) => {
      if (name === undefined) {
        name = line;
      } else if (line === 'q') {
        socket.end();
      } else {
        console.log(`${name}: ${line}`);
        socket.write(`${answer(line)}\n`);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => console.log(`${name}: Session ended`));
  });
  listener.listen(port, '127.0.0.1');
}

function client(host, port) {
  const socket = net.connect(port, host);
  const user = readline.createInterface({ input: process.stdin });
  let named = false;
  lines(socket, (line) => console.log(line));
  socket.on('close', () => process.exit(0));
  user.on('line', (line) => {
    if (!named || line === 'q' || REQUEST.test(line)) {
      socket.write(`${line}\n`);
      named = true;
    } else {
      console.log(`warning: ${line} is no request`);
    }
    if (line === 'q') socket.end();
  });
  user.on('close', () => socket.end('q\n'));
}

const [what, port] = [process.argv[2], Number(process.argv[3])];
if (what === 'server') server(port);
else client(what, port);
