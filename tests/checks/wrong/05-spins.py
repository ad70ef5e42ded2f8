# fails: 05.rests spins
# fails: 05.client-rests spins
"""Chapter 5 in which a read of no bytes is one more message, in the server and in the client.

    python3 05-spins.py server PORT
    python3 05-spins.py HOST PORT
"""
import re
import socket
import sys
import threading

REQUEST = re.compile(r'(-?[0-9.]+) ([-+*/]) (-?[0-9.]+)')


def answer(line):
    match = REQUEST.fullmatch(line)
    if not match:
        return 'not understood'
    a, b = float(match[1]), float(match[3])
    try:
        return {'+': a.__add__, '-': a.__sub__, '*': a.__mul__, '/': a.__truediv__}[match[2]](b)
    except ZeroDivisionError:
        return 'by zero'


def serve(conn):
    lines = conn.makefile('rb')
    name = lines.readline().decode().strip()
    while True:
        line = lines.readline().decode(errors='replace').strip()
        if line == 'q':
            break
        if line:
            print(name, 'asks', line)
            conn.sendall(f'{answer(line)}\n'.encode())
    print('Session ended')
    conn.shutdown(socket.SHUT_RDWR)


if sys.argv[1] == 'server':
    listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn,), daemon=True).start()

conn = socket.create_connection((sys.argv[1], int(sys.argv[2])))
answers = conn.makefile()
conn.sendall((sys.stdin.readline().strip() + '\n').encode())
while True:
    line = sys.stdin.readline().strip()
    if line == 'q':
        break
    if REQUEST.fullmatch(line):
        conn.sendall(f'{line}\n'.encode())
        print(answers.readline().strip(), flush=True)
    elif line:
        print('warning: NUMBER OPERATOR NUMBER', flush=True)
conn.sendall(b'q\n')
