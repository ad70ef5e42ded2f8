# plays: server
# fails: 08.rests empty-read
"""Chapter 8, a server that reads a length first, and then reads until it has so many bytes: also
when there will be no more.

    python3 08-cut-spins.py server PORT
"""
import socket
import sys
import threading


def exactly(conn, length):
    data = bytearray()
    while len(data) < length:
        data += conn.recv(min(65536, length - len(data)))
    return data


def serve(conn):
    with conn:
        try:
            conn.sendall(b'Welcome! Tell me a long story.')
            length = int(exactly(conn, 8), 16)
            print('a story of', len(exactly(conn, length)), 'bytes')
        except OSError as why:
            print('lost:', why)


listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=[conn], daemon=True).start()
