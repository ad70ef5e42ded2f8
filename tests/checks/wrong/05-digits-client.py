# plays: client
# not judged: 05.together
# fails: 05.client-sends digits-only
"""Chapter 5's client with isnumeric(): it knows neither a point nor a minus."""
import socket
import sys

conn = socket.create_connection((sys.argv[1], int(sys.argv[2])))
replies = conn.makefile('r')
conn.sendall(f"{input('name: ')}\n".encode())
while (line := input('> ')) != 'q':
    words = line.split()
    if len(words) == 3 and words[0].isnumeric() and words[1] in '+-*/' and words[2].isnumeric():
        conn.sendall(f'{line}\n'.encode())
        print(replies.readline(), end='')
    else:
        print('Warning: please type two numbers with an operator between them')
conn.sendall(b'q\n')
