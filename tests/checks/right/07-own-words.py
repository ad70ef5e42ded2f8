# plays: server
# not judged: 07.stalled
# A room with words of its own, which tells everybody everything, the one who has said it too. How
# many are there stands in a line of its own.
#
#     python3 07-own-words.py server PORT
import socket
import sys
import threading
import time

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


def now():
    return time.strftime('%H:%M:%S')


def serve(conn):
    conn.sendall(b'*** Welcome!\n*** Who are you?\n')
    name = login(conn)
    if not name:
        return conn.close()
    tell(f'[{now()}] >>> {name} is here\n[{now()}] >>> people: {len(members)}\n')
    try:
        while text := conn.recv(1024).decode(errors='replace').strip():
            if text == 'quit':
                break
            tell(f'[{now()}] <{name}> {text}\n')
    except OSError:
        pass
    with lock:
        del members[name]
    conn.close()
    tell(f'[{now()}] <<< {name} is gone\n[{now()}] <<< people: {len(members)}\n')


listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=[conn], daemon=True).start()
