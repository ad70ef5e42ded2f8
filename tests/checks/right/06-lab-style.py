"""Chapter 6 in the lab's plain style: one client, then the end; everything is printed.

    python3 06-lab-style.py encoder|decoder PORT [--multi-threaded]
    python3 06-lab-style.py HOST PORT
"""
import socket
import struct
import sys
import threading


def recv_exactly(conn, n):
    data = b''
    while len(data) < n:
        piece = conn.recv(min(n - len(data), 4096))
        if piece == b'':
            break
        data += piece
    return data


def send_msg(conn, msg):
    data = msg.encode('utf-8')
    conn.send(struct.pack('!I', len(data)))
    conn.sendall(data)


def recv_msg(conn):
    size = int.from_bytes(recv_exactly(conn, 4), byteorder='big')
    return recv_exactly(conn, size).decode('utf-8')


def encode(msg):
    return ''.join(bin(ord(c))[2:].zfill(8) + ' ' for c in msg)


def decode(msg):
    return ''.join(chr(int(x, 2)) for x in msg.split())


def handle_client(conn, addr, answer_to):
    print('Connected to', addr)
    while True:
        msg = recv_msg(conn)
        if msg == '':
            break
        print('Received:', msg)
        answer = answer_to(msg)
        send_msg(conn, answer)
        print('Sent:', answer)


def server(answer_to, port):
    multi_threaded = '--multi-threaded' in sys.argv
    print('Port: {}, Multi-threaded?: {}'.format(port, multi_threaded))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind(('127.0.0.1', port))
        sock.listen(10)
        while True:
            conn, addr = sock.accept()
            if not multi_threaded:
                handle_client(conn, addr, answer_to)
                break
            threading.Thread(target=handle_client, args=[conn, addr, answer_to]).start()


def client(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.connect((host, port))
        print(sock.getpeername())
        while True:
            msg = input()
            if msg == '':
                break
            msg = msg.strip()
            send_msg(sock, msg)
            print('Sent: ', msg)
            print('Received: ', recv_msg(sock))


what, port = sys.argv[1], int(sys.argv[2])
if what == 'encoder':
    server(encode, port)
elif what == 'decoder':
    server(decode, port)
else:
    client(what, port)
