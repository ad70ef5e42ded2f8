# plays: server client
# not judged: 08.cut-off 08.broken
# The lab's other way: eight hexadecimal digits say how long the message is, and nothing is answered.
#
#     python3 08-length-first.py server PORT
#     python3 08-length-first.py HOST PORT --clients N --message-bytes N
import socket
import sys
import threading


def exactly(conn, length):
    data = bytearray()
    while len(data) < length:
        part = conn.recv(min(65536, length - len(data)))
        if not part:
            raise ConnectionError('cut off')
        data += part
    return bytes(data)


def serve(conn):
    with conn:
        try:
            conn.sendall('Hello! Please send me a long message.\n'.encode())
            length = int(exactly(conn, 8).decode(), 16)
            print('received', len(exactly(conn, length)))
        except (ConnectionError, ValueError) as why:
            print(why)


def server(port):
    listener = socket.create_server(('127.0.0.1', port))
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=[conn]).start()


def client(number, address, message, done):
    try:
        with socket.create_connection(address, 10) as conn:
            if not conn.recv(1024):
                raise ConnectionError('no intro')
            conn.sendall(f'{len(message):08x}'.encode() + message)
            done.append(number)
    except OSError as why:
        print('client', number, 'failed:', why)


def load(address, count, length):
    done = []
    message = b'm' * length
    threads = [
        threading.Thread(target=client, args=[number, address, message, done])
        for number in range(1, count + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f'{len(done)} of {count} clients are done, {count - len(done)} are not')


def option(name):
    return int(sys.argv[sys.argv.index(name) + 1])


if sys.argv[1] == 'server':
    server(int(sys.argv[2]))
else:
    load((sys.argv[1], int(sys.argv[2])), option('--clients'), option('--message-bytes'))
