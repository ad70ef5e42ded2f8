# not judged: 05.pieces 05.coalesced 05.client-pieces
"""Chapter 5 in the labs' own style: no line ends on the wire, one recv is one message.

    python3 05-labs-own.py server PORT
    python3 05-labs-own.py HOST PORT
"""
import socket
import sys
import threading


def calculate(request):
    try:
        a, op, b = request.split()
        a, b = float(a), float(b)
        if op == '+':
            return str(a + b)
        if op == '-':
            return str(a - b)
        if op == '*':
            return str(a * b)
        if op == '/':
            return str(a / b)
    except (ValueError, ZeroDivisionError):
        pass
    return 'cannot calculate that'


def serve(conn):
    name = conn.recv(1024).decode().strip()
    while True:
        data = conn.recv(1024)
        if not data or data.decode().strip() == 'q':
            break
        request = data.decode().strip()
        print('Received from', name + ':', request)
        conn.send(calculate(request).encode())
    print('Session ended')
    conn.close()


def server(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(('127.0.0.1', port))
    sock.listen(5)
    while True:
        conn, _ = sock.accept()
        threading.Thread(target=serve, args=[conn], daemon=True).start()


def is_request(line):
    words = line.split()
    if len(words) != 3 or words[1] not in '+-*/':
        return False
    try:
        float(words[0]), float(words[2])
    except ValueError:
        return False
    return True


def client(host, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((host, port))
    sock.send(b'Grace')
    while True:
        line = input('Enter an operation, or q: ')
        if line == 'q':
            sock.send(line.encode())
            break
        if not is_request(line):
            print('Warning: enter two numbers and an operator, as in 12 + 42')
            continue
        sock.send(line.encode())
        print('Answer:', sock.recv(1024).decode())
    sock.close()


if sys.argv[1] == 'server':
    server(int(sys.argv[2]))
else:
    client(sys.argv[1], int(sys.argv[2]))
