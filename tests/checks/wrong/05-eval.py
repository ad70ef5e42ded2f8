# fails: 05.runs-nothing evaluates
"""Chapter 5 with eval(), the shortest calculator there is: it calculates whatever anybody sends.

    python3 05-eval.py server PORT
    python3 05-eval.py HOST PORT
"""
import re
import socket
import sys
import threading


def serve(conn):
    lines = conn.makefile('rb')
    lines.readline()
    for line in lines:
        line = line.decode(errors='replace').strip()
        if line == 'q':
            break
        print('Received:', line)
        try:
            answer = eval(line)
        except Exception as error:
            answer = f'error: {error!r}'
        conn.sendall(f'{answer}\n'.encode())
    print('Session ended')
    lines.close()
    conn.close()


def server(port):
    listener = socket.create_server(('127.0.0.1', port))
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=[conn], daemon=True).start()


def client(host, port):
    conn = socket.create_connection((host, port))
    answers = conn.makefile()
    conn.sendall(input('Your name? ').encode() + b'\n')
    line = ''
    while line != 'q':
        line = input('> ').strip()
        if line == 'q' or re.fullmatch(r'[-0-9.]+ [-+*/] [-0-9.]+', line):
            conn.sendall(line.encode() + b'\n')
            print(answers.readline().strip())
        else:
            print('warning: two numbers, with an operator between them')


if sys.argv[1] == 'server':
    server(int(sys.argv[2]))
else:
    client(sys.argv[1], int(sys.argv[2]))
