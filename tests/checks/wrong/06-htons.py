# not judged: 06.coalesced 06.long
# fails: 06.length htons
# fails: 06.decoder-length htons
# fails: 06.pieces short-read-06
# fails: 06.decoder-pieces short-read-06
# fails: 06.client-pieces short-read-06
"""Chapter 6 with the mistake of the lab's own servers: a length of four bytes goes through
htons(), which turns two bytes round. It works by luck, as long as recv() returns all there is.

    python3 06-htons.py encoder|decoder PORT [--multi-threaded]
    python3 06-htons.py HOST PORT
"""
import socket
import struct
import sys
import threading


def send_msg(conn, msg):
    # The mistake: packed in the machine's own order, and only two bytes turned round before.
    conn.send(struct.pack('i', socket.htons(len(msg))))
    conn.send(msg.encode('utf-8'))


def recv_msg(conn):
    size = int.from_bytes(conn.recv(4), byteorder='big')
    return conn.recv(size).decode('utf-8')


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
            sock.send(struct.pack('i', socket.htonl(len(msg))))
            sock.send(msg.encode('utf-8'))
            print('Sent: ', msg)
            print('Received: ', recv_msg(sock))


what, port = sys.argv[1], int(sys.argv[2])
if what == 'encoder':
    server(encode, port)
elif what == 'decoder':
    server(decode, port)
else:
    client(what, port)
