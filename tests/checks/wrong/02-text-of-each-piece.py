# plays: server client
# fails: 02.split-letter decodes-pieces
# fails: 02.client-split-letter decodes-pieces
"""Chapter 2 in lines, which it puts together from the text of each piece."""
import socket
import sys


class Lines:
    def __init__(self, connection):
        self.connection = connection
        self.text = ""

    def next(self):
        while "\n" not in self.text:
            piece = self.connection.recv(512)
            if not piece:
                return None
            self.text += piece.decode("utf-8", errors="replace")
        line, self.text = self.text.split("\n", 1)
        return line


def conversation(connection, my_turn):
    lines = Lines(connection)
    while True:
        if my_turn:
            typed = sys.stdin.readline().rstrip("\n")
            if not typed:
                return
            connection.sendall((typed + "\n").encode())
        else:
            line = lines.next()
            if line is None:
                return
            print(line, flush=True)
        my_turn = not my_turn


if sys.argv[1] == "server":
    listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
    while True:
        with listener.accept()[0] as connection:
            conversation(connection, False)
else:
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
        conversation(connection, True)
