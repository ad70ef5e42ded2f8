# fails: 02.hears-first -
# fails: 02.prints end-mark
# decided: 30
"""Chapter 2 that ends its messages with a mark of its own, and knows no other end."""
import socket
import sys

END = b"&END;"


def receive(sock):
    data = b""
    while not data.endswith(END):
        part = sock.recv(1024)
        if not part:
            return None
        data += part
    return data.removesuffix(END).decode()


def talk(sock, ours):
    while True:
        if ours:
            text = sys.stdin.readline().strip()
            if not text:
                return
            sock.sendall(text.encode() + END)
        else:
            text = receive(sock)
            if text is None:
                return
            print("they say", text)
        ours = not ours


if sys.argv[1] == "server":
    listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
    while True:
        with listener.accept()[0] as sock:
            talk(sock, False)
else:
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as sock:
        talk(sock, True)
