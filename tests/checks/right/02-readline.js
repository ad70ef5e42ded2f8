#!/usr/bin/env node
// Right, in JavaScript: two queues of lines, one from the user and one from the network, and a
// conversation that awaits one of them after the other. Messages are lines.
const net = require("net");
const readline = require("readline");

// Lines that can be awaited one at a time; null is the end.
function queue(input) {
  const ready = [];
  const waiting = [];
  const put = (line) => (waiting.length ? waiting.shift()(line) : ready.push(line));
  const lines = readline.createInterface({ input, terminal: false });
  lines.on("line", put);
  lines.on("close", () => put(null));
  input.on("error", () => {});
  return () => {
    if (ready[0] === null) return Promise.resolve(null);
    if (ready.length) return Promise.resolve(ready.shift());
    return new Promise((resolve) => waiting.push(resolve));
  };
}

async function talk(socket, typed, ours) {
  const heard = queue(socket);
  for (; ; ours = !ours) {
    const line = await (ours ? typed() : heard());
    if (line === null || (ours && line === "")) break;
    if (ours) socket.write(line + "\n");
    else console.log("> " + line);
  }
  socket.end();
}

const typed = queue(process.stdin);
const [host, port] = process.argv.slice(2);
if (host === "server") {
  let last = Promise.resolve();
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", () => {});
    last = last.then(() => {
      socket.resume();
      return talk(socket, typed, false);
    });
  });
  server.listen(Number(port), "0.0.0.0");
} else {
  const socket = net.connect(Number(port), host, async () => {
    await talk(socket, typed, true);
    process.exit(0);
  });
}
