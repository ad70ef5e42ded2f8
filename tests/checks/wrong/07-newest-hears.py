# plays: server
# fails: 07.hears -
# decided: 20
"""Chapter 7, where what is said goes to the newest member alone.

    python3 07-newest-hears.py server PORT
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
    try:
        while text := conn.recv(1024).decode(errors='replace').strip():
            if text == 'quit':
                break
            newest = list(members.values())[-1]
            newest.sendall(f'{name}: {text}\n'.encode())
    except OSError:
        pass
    with lock:
        del members[name]
    conn.close()
    tell(f'{name} has left. Member count={len(members)}\n')


listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=[conn], daemon=True).start()
