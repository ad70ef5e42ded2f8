// Right, with events instead of waiting: the client asks by the clock, whether an answer has
// come or not, and prints whatever comes, whenever it comes. So it needs no timeout. The date
// has a name for its month.
const dgram = require("node:dgram");
const [host, port] = process.argv.slice(2);
const socket = dgram.createSocket("udp4");

if (host === "server") {
  socket.on("message", (request, from) => {
    const now = new Date();
    const answers = {
      SEND_DATE: now.toDateString(),
      SEND_TIME: now.toTimeString().slice(0, 8),
    };
    const answer = answers[request.toString().trim()] ?? "what?";
    socket.send(answer, from.port, from.address);
  });
  socket.bind(Number(port));
} else {
  socket.on("message", (answer) => console.log(`server says: ${answer}`));
  const ask = () => {
    socket.send(Math.random() < 0.5 ? "SEND_DATE" : "SEND_TIME", Number(port), host);
    setTimeout(ask, 1000 + 1000 * Math.random());
  };
  ask();
}
