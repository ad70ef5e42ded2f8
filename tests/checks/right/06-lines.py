# not judged: 06.length 06.pieces 06.coalesced 06.long 06.goodbye 06.huge-length
# not judged: 06.decoder-length 06.decoder-pieces 06.client-length 06.client-pieces
"""Chapter 6 without frames: a text is a line, and so are its groups. One client, then the next.

    python3 06-lines.py encoder|decoder PORT
    python3 06-lines.py HOST PORT
"""
import socket
import sys


def encode(line):
    return ' '.join(f'{ord(letter):08b}' for letter in line)


def decode(line):
    return ''.join(chr(int(group, base=2)) for group in line.split())


def serve(port, answer):
    with socket.create_server(('127.0.0.1', port)) as listener:
        while True:
            conn, _ = listener.accept()
            with conn, conn.makefile('r', errors='replace') as lines:
                try:
                    for line in lines:
                        print('Received:', line.strip())
                        conn.sendall(answer(line.rstrip('\r\n')).encode() + b'\n')
                except (OSError, ValueError) as error:
                    print(error, file=sys.stderr)


def client(host, port):
    with socket.create_connection((host, port)) as conn:
        answers = conn.makefile('r')
        for line in sys.stdin:
            if not line.strip():
                break
            conn.sendall(line.encode())
            print('Answer:', answers.readline().strip())


what, port = sys.argv[1], int(sys.argv[2])
if what == 'encoder':
    serve(port, encode)
elif what == 'decoder':
    serve(port, decode)
else:
    client(what, port)
