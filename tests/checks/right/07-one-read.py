# plays: server
# not judged: 07.stalled
# A room in the style of L2's templates: what one recv returns is a message, and no message has a
# line end. It greets, and asks for the name.
#
#     python3 07-one-read.py server PORT
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
        conn.sendall(b'This name is in use. Another one?')
    return name


def serve(conn):
    conn.send('Enter login name: '.encode())
    name = login(conn)
    if not name:
        return conn.close()
    tell(f'Server: {name} has joined. Member count={len(members)}')
    while True:
        try:
            text = conn.recv(1024).decode(errors='replace')
        except OSError:
            text = ''
        if text in ('', 'quit'):
            break
        tell(f'{name}: {text}', but=name)
    with lock:
        del members[name]
    conn.close()
    tell(f'Server: {name} has left. Member count={len(members)}')


listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=[conn], daemon=True).start()
