# A busy machine may let it pass on too few lines to tell. not judged: 07.stalled
"""Chapter 7 with one thread and selectors: nobody shares anything, so nothing is locked.

    python3 07-selectors.py server PORT
    python3 07-selectors.py HOST PORT
"""
import selectors
import socket
import sys
import time

MOST = 4 << 20
selector = selectors.DefaultSelector()
people = {}


class Person:
    def __init__(self, conn):
        self.conn, self.name, self.come, self.waiting = conn, None, b'', b''

    def tell(self, line):
        self.waiting += line.encode()
        self.write()

    def write(self):
        try:
            while self.waiting:
                self.waiting = self.waiting[self.conn.send(self.waiting):]
        except BlockingIOError:
            pass
        except OSError:
            self.waiting = b''
        writing = selectors.EVENT_WRITE if self.waiting else 0
        if self.conn in people:
            selector.modify(self.conn, selectors.EVENT_READ | writing, self)


def tell_all(line, but=None):
    for person in list(people.values()):
        if person.name and person is not but:
            person.tell(line)


def news(what):
    count = sum(1 for person in people.values() if person.name)
    tell_all(f'Server: time={time.strftime("%H.%M")} {what}. Member count={count}\n')


def leave(person):
    if people.pop(person.conn, None):
        selector.unregister(person.conn)
        person.conn.close()
        if person.name:
            news(f'{person.name} has left')


def hear(person, line):
    if person.name:
        if line:
            tell_all(f'{person.name}: {line}\n', but=person)
    elif not line or any(other.name == line for other in people.values()):
        person.tell('Server: that one is taken\n')
    else:
        person.name = line
        news(f'{line} has joined')


def read(person):
    try:
        come = person.conn.recv(65536)
    except OSError:
        come = b''
    if not come:
        return leave(person)
    *lines, person.come = (person.come + come).split(b'\n')
    for line in lines:
        line = line.decode(errors='replace').strip()
        if line == 'quit':
            return leave(person)
        hear(person, line)
    for other in list(people.values()):
        if len(other.waiting) > MOST:
            leave(other)


def server(port):
    listener = socket.create_server(('127.0.0.1', port))
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            if key.fileobj is listener:
                conn, _ = listener.accept()
                conn.setblocking(False)
                people[conn] = Person(conn)
                selector.register(conn, selectors.EVENT_READ, people[conn])
                continue
            if events & selectors.EVENT_WRITE:
                key.data.write()
            if events & selectors.EVENT_READ and key.fileobj in people:
                read(key.data)


def client(host, port):
    conn = socket.create_connection((host, port))
    print('login:')
    selector.register(conn, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is conn:
                come = conn.recv(4096)
                if not come:
                    return
                sys.stdout.write(come.decode(errors='replace'))
            else:
                # Unbuffered: what is in a buffer is not seen by select().
                typed = sys.stdin.buffer.raw.read(4096) or b'quit\n'
                conn.sendall(typed)
                if b'quit\n' in typed:
                    return


if sys.argv[1] == 'server':
    server(int(sys.argv[2]))
else:
    client(sys.argv[1], int(sys.argv[2]))
