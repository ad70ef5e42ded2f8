# plays: server
# not judged: 07.stalled
# A room that gives a second Batman another name. What one recv returns is a message.
#
#     python3 07-renames.py server PORT
import itertools
import socket
import sys
import threading

members = {}
lock = threading.Lock()


def tell(text, but=None):
    for name, sock in list(members.items()):
        if name != but:
            try:
                sock.sendall(text.encode())
            except OSError:
                pass


def recv(sock):
    try:
        return sock.recv(1024).decode(errors="replace").strip()
    except OSError:
        return ""


def serve(sock):
    wanted = recv(sock)
    if not wanted:
        return sock.close()
    with lock:
        names = itertools.chain([wanted], (f"{wanted}{n}" for n in itertools.count(2)))
        name = next(name for name in names if name not in members)
        members[name] = sock
        tell(f"{name} is here, and makes {len(members)} of us.")
    while (text := recv(sock)) not in ("", "quit"):
        with lock:
            tell(f"{name}-> {text}", but=name)
    with lock:
        del members[name]
        tell(f"{name} is off, and leaves {len(members)} of us.")
    sock.close()


listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
