# A busy machine may let it pass on too few lines to tell. not judged: 07.stalled
"""Chapter 7 with threads, a lock around the list of members, and a queue for each member: the
lock is held for no write.

    python3 07-queues.py server PORT
    python3 07-queues.py HOST PORT
"""
import queue
import socket
import sys
import threading
import time

members = {}
lock = threading.Lock()


def broadcast(line):
    """To everybody, with the lock held."""
    for lines in list(members.values()):
        try:
            lines.put_nowait(line)
        except queue.Full:
            pass  # who does not read misses something


def news(what):
    broadcast(f'Server: time={time.strftime("%H.%M")} {what}. Member count={len(members)}\n')


def write(conn, lines):
    try:
        while (line := lines.get()) is not None:
            conn.sendall(line.encode())
    except OSError:
        pass


def login(conn, received):
    """The name, and the queue of its lines."""
    for name in received:
        name = name.strip()
        with lock:
            if name and name not in members:
                lines = queue.Queue(100_000)
                members[name] = lines
                threading.Thread(target=write, args=[conn, lines], daemon=True).start()
                news(f'{name} has joined')
                return name, lines
        conn.sendall(b'Server: choose another name\n')
    return None, None


def serve(conn):
    conn.sendall(b'Welcome to this room!\n')
    received = conn.makefile(errors='replace')
    name = None
    try:
        name, lines = login(conn, received)
        for line in received:
            if line.strip() == 'quit':
                break
            with lock:
                broadcast(f'{name}: {line.strip()}\n')  # its sender sees it too
    except OSError:
        pass
    if name:
        with lock:
            del members[name]
            news(f'{name} has left')
        lines.put(None)
    try:
        conn.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def server(port):
    listener = socket.create_server(('127.0.0.1', port))
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=[conn], daemon=True).start()


def listen(conn):
    for line in conn.makefile(errors='replace'):
        print(line, end='')


def client(host, port):
    conn = socket.create_connection((host, port))
    listener = threading.Thread(target=listen, args=[conn], daemon=True)
    listener.start()
    print('Enter login name:')
    for line in sys.stdin:
        conn.sendall(line.encode())
        if line.strip() == 'quit':
            break
    conn.shutdown(socket.SHUT_WR)
    listener.join(2)


if sys.argv[1] == 'server':
    server(int(sys.argv[2]))
else:
    client(sys.argv[1], int(sys.argv[2]))
