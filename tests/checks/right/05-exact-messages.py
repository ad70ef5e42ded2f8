# not judged: 05.pieces 05.coalesced 05.client-pieces
"""Chapter 5 where one recv is one message, compared as it is: nothing has a line end, and a `q` that
had one would be no `q`. The server prints no names.

    python3 05-exact-messages.py server PORT
    python3 05-exact-messages.py HOST PORT
"""
import socket
import sys
from threading import Thread

SIZE = 1024


class Session(Thread):
    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock = sock

    def run(self):
        self.name = self.sock.recv(SIZE).decode()
        msg = self.sock.recv(SIZE).decode()
        while msg not in ('q', ''):
            print('received:', repr(msg))
            self.sock.send(self.answer(msg).encode())
            msg = self.sock.recv(SIZE).decode()
        print('Session ended')
        self.sock.close()

    def answer(self, msg):
        parts = msg.split(' ')
        if len(parts) != 3:
            return 'invalid'
        try:
            x, y = float(parts[0]), float(parts[2])
        except ValueError:
            return 'invalid'
        if parts[1] == '/' and y == 0:
            return 'infinity'
        results = {'+': x + y, '-': x - y, '*': x * y}
        if parts[1] == '/':
            return str(x / y)
        return str(results.get(parts[1], 'invalid'))


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


if sys.argv[1] == 'server':
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('', int(sys.argv[2])))
    s.listen()
    while True:
        c, addr = s.accept()
        Session(c).start()
else:
    s = socket.socket()
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.send(input('Name: ').encode())
    while True:
        msg = input('Enter NUMBER OP NUMBER, e.g. 12 + 42, or q to quit: ')
        if msg == 'q':
            s.send(msg.encode())
            break
        parts = msg.split(' ')
        if len(parts) == 3 and parts[1] in list('+-*/') and is_number(parts[0]) and is_number(parts[2]):
            s.send(msg.encode())
            print('Server says', s.recv(SIZE).decode())
        else:
            print('WARNING: wrong format')
    s.close()
