// Chapter 7 by events: the loop is the owner of the room.
//
//     node 07-events.js server PORT
//     node 07-events.js HOST PORT
const net = require('net');
const readline = require('readline');

const MOST = 8 << 20;
const people = new Set();

function tellAll(line, but) {
  for (const person of people) {
    if (!person.name || person === but) continue;
    person.write(`${line}\n`);
    if (person.writableLength > MOST) person.destroy();
  }
}

function news(what) {
  const time = new Date().toTimeString().slice(0, 5).replace(':', '.');
  const count = [...people].filter((person) => person.name).length;
  tellAll(`Server: time=${time} ${what}. Member count=${count}`);
}

function hear(person, line) {
  if (line === 'quit') {
    person.end();
    leave(person);
  } else if (person.name) {
    if (line) tellAll(`${person.name}: ${line}`, person);
  } else if (!line || [...people].some((other) => other.name === line)) {
    person.write('Server: not this one, please\n');
  } else {
    person.name = line;
    news(`${line} has joined`);
  }
}

function leave(person) {
  if (people.delete(person) && person.name) news(`${person.name} has left`);
}

function server(port) {
  const listener = net.createServer((person) => {
    people.add(person);
    let rest = '';
    person.on('data', (piece) => {
      const lines = (rest + piece).split('\n');
      rest = lines.pop();
      lines.forEach((line) => people.has(person) && hear(person, line.trim()));
    });
    person.on('error', () => {});
    person.on('close', () => leave(person));
  });
  listener.listen(port, '127.0.0.1');
}

function client(host, port) {
  const room = net.connect(port, host);
  room.pipe(process.stdout);
  room.on('close', () => process.exit(1));
  console.error('Your name:');
  const user = readline.createInterface({ input: process.stdin });
  user.on('line', (line) => {
    room.write(`${line}\n`);
    if (line === 'quit') process.nextTick(() => room.end(() => process.exit(0)));
  });
}

const [what, port] = [process.argv[2], Number(process.argv[3])];
if (what === 'server') server(port);
else client(what, port);
