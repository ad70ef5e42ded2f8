#!/usr/bin/env node
// Right, in JavaScript: a stream piped into itself. It listens on IPv6 and IPv4 at once.
const net = require("net");

const server = net.createServer((socket) => {
  socket.on("error", (error) => console.log("broke:", error.code));
  socket.pipe(socket);
});
server.listen(Number(process.argv[3]), () => console.log("Ready"));
