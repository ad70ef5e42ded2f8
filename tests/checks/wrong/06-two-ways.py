# plays: encoder client
# not judged: 06.client-length 06.client-pieces
# fails: 06.together wait-for-each-other
"""Chapter 6 whose server reads lines and whose client sends none: each waits for the other."""
import socket
import sys
import threading


def serve(conn):
    lines = conn.makefile('rb')
    try:
        for line in lines:
            answer = ' '.join(f'{byte:08b}' for byte in line.rstrip(b'\n'))
            conn.sendall(answer.encode() + b'\n')
    except OSError:
        pass
    lines.close()
    conn.close()


what, port = sys.argv[1], int(sys.argv[2])
if what == 'encoder':
    listener = socket.create_server(('127.0.0.1', port))
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn,), daemon=True).start()

conn = socket.create_connection((what, port))
for line in sys.stdin:
    if line == '\n':
        break
    conn.sendall(line.rstrip('\n').encode())
    print(conn.recv(65536).decode(), flush=True)
