# fails: 06.rests spins
# fails: 06.decoder-rests spins
# fails: 06.client-rests spins
"""Chapter 6 in which what is missing of a frame is asked for again and again, also when nothing can
come any more.

    python3 06-spins.py encoder|decoder PORT
    python3 06-spins.py HOST PORT
"""
import socket
import struct
import sys
import threading


def recv_all(conn, size):
    data = b''
    while len(data) < size:
        data += conn.recv(min(size - len(data), 65536))
    return data


def recv_msg(conn):
    return recv_all(conn, struct.unpack('>I', recv_all(conn, 4))[0])


def send_msg(conn, data):
    conn.sendall(struct.pack('>I', len(data)) + data)


def encode(data):
    return ' '.join(f'{byte:08b}' for byte in data).encode()


def decode(data):
    return bytes(int(group, 2) for group in data.split())


def serve(conn, codec):
    while data := recv_msg(conn):
        try:
            send_msg(conn, codec(data))
        except ValueError:
            send_msg(conn, b'no')
    conn.close()


what, port = sys.argv[1], int(sys.argv[2])
if what in ('encoder', 'decoder'):
    listener = socket.create_server(('127.0.0.1', port))
    while True:
        conn, _ = listener.accept()
        codec = encode if what == 'encoder' else decode
        threading.Thread(target=serve, args=(conn, codec), daemon=True).start()

conn = socket.create_connection((what, port))
for line in sys.stdin:
    if line == '\n':
        break
    send_msg(conn, line.rstrip('\n').encode())
    print(recv_msg(conn).decode(), flush=True)
