#!/usr/bin/env node
// Right, in JavaScript: streams piped into each other. The chat leaves as soon as the other
// side has.
const net = require("net");

function chat(socket) {
  socket.on("error", (error) => console.error("broken:", error.code));
  socket.on("close", () => process.exit());
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
}

function tunnel(lport, host, port) {
  const listener = net.createServer({ allowHalfOpen: true }, (client) => {
    const target = net.connect({ host, port, allowHalfOpen: true });
    for (const [here, there] of [[client, target], [target, client]]) {
      here.on("error", (error) => {
        console.error(error.message);
        there.destroy();
      });
      here.pipe(there);
    }
  });
  listener.listen(lport, "127.0.0.1");
}

const [role, ...rest] = process.argv.slice(2);
if (role === "tunnel") tunnel(Number(rest[0]), rest[1], Number(rest[2]));
else if (role === "server") {
  const listener = net.createServer((socket) => {
    listener.close();
    chat(socket);
  });
  listener.listen(Number(rest[0]));
} else chat(net.connect(Number(rest[0]), role));
