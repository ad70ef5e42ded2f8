# not judged: 06.length 06.pieces 06.coalesced 06.long 06.goodbye 06.huge-length
# not judged: 06.decoder-length 06.decoder-pieces 06.client-length 06.client-pieces
"""Chapter 6 as L1's questions ask for it: texts and groups, and no frames. One recv is one message.

    python3 06-plain.py encoder|decoder PORT
    python3 06-plain.py HOST PORT
"""
import socket
import sys
import threading


def encode(text):
    return ' '.join(format(byte, '08b') for byte in text)


def decode(text):
    try:
        return ''.join(chr(int(group, 2)) for group in text.decode().split())
    except ValueError:
        return 'not binary'


def handle(conn, codec):
    while True:
        data = conn.recv(4096)
        if not data:
            break
        print('Received:', data)
        answer = codec(data)
        conn.send(answer.encode())
        print('Sent:', answer)
    conn.close()


what, port = sys.argv[1], int(sys.argv[2])
if what in ('encoder', 'decoder'):
    s = socket.socket()
    s.bind(('localhost', port))
    s.listen(5)
    while True:
        conn, addr = s.accept()
        threading.Thread(target=handle, args=(conn, encode if what == 'encoder' else decode)).start()

s = socket.socket()
s.connect((what, port))
try:
    while (msg := input('> ')) != '':
        s.send(msg.encode())
        print(s.recv(4096).decode())
except EOFError:
    print('bye')
s.close()
