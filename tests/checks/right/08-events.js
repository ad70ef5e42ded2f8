#!/usr/bin/env node
// Right, in JavaScript: no threads, but events. The intro comes in two pieces, the answer with
// two line ends; the client reports on stderr, when the last of its sockets has closed.
const net = require("net");

function server(port) {
  const listener = net.createServer({ allowHalfOpen: true }, (socket) => {
    let length = 0;
    socket.write("Hi!\n");
    setImmediate(() => socket.write("What do you want to tell me? "));
    socket.on("data", (piece) => (length += piece.length));
    socket.on("end", () => socket.end(`received ${length} bytes\r\n\r\n`));
    socket.on("error", (error) => console.log("gone:", error.code));
  });
  listener.listen(port, "127.0.0.1");
}

function client(host, port, length, done) {
  let [heard, wrong] = ["", ""];
  const socket = net.connect({ host, port, allowHalfOpen: true });
  socket.setTimeout(30000, () => socket.destroy(new Error("too slow")));
  socket.on("data", (piece) => {
    if (heard === "") socket.end(Buffer.alloc(length, "z"));
    heard += piece;
  });
  socket.on("end", () => socket.end());
  socket.on("error", (error) => (wrong = error.message));
  socket.on("close", () => {
    const right = heard.trimEnd().endsWith(`received ${length} bytes`);
    done(wrong === "" && right);
  });
}

function burst(host, port, count, length) {
  let [open, served] = [count, 0];
  for (let n = 0; n < count; n++) {
    client(host, port, length, (right) => {
      if (right) served++;
      if (--open === 0) console.error(`${served} served, ${count - served} not.`);
    });
  }
}

const words = process.argv.slice(2);
const after = (name) => Number(words[words.indexOf(name) + 1]);
if (words[0] === "server") server(Number(words[1]));
else burst(words[0], Number(words[1]), after("--clients"), after("--message-bytes"));
