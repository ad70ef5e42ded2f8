# plays: server
# fails: 07.close empty-read
# fails: 07.reset empty-read
# fails: 07.rests empty-read
"""Chapter 7, where the empty read of a member that has gone is a line, again and again.

    python3 07-leave-floods.py server PORT
"""
import socket
import sys
import threading

members = {}
lock = threading.Lock()


def tell(text, but=None):
    with lock:
        for name, conn in list(members.items()):
            if name != but:
                try:
                    conn.sendall(text.encode())
                except OSError:
                    pass


def login(conn):
    """The name, unless the newcomer has gone."""
    while name := conn.recv(1024).decode(errors='replace').strip():
        with lock:
            if name not in members:
                members[name] = conn
                return name
        conn.sendall(b'This name is in use. Another one?\n')
    return name


def serve(conn):
    name = login(conn)
    if not name:
        return conn.close()
    tell(f'{name} has joined. Member count={len(members)}\n')
    text = ''
    while text != 'quit':
        try:
            text = conn.recv(1024).decode(errors='replace').strip()
        except OSError:
            text = ''
        tell(f'{name}: {text}\n', but=name)
    with lock:
        del members[name]
    conn.close()
    tell(f'{name} has left. Member count={len(members)}\n')


listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=[conn], daemon=True).start()
