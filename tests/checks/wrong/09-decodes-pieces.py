# plays: server client
# fails: 09.server-split-letter decodes-pieces
# fails: 09.client-split-letter decodes-pieces
"""Chapter 9's chat that decodes what each recv has brought."""
import socket
import sys
import threading


def show(sock):
    while True:
        try:
            data = sock.recv(1024)
        except OSError:
            break
        if not data:
            break
        print("them: " + data.decode(), end="")
    print("They have left.")


if sys.argv[1] == "server":
    listener = socket.socket()
    listener.bind(("", int(sys.argv[2])))
    listener.listen(1)
    sock, address = listener.accept()
    sock.sendall(b"Welcome to my chat!\n")
else:
    sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
threading.Thread(target=show, args=(sock,), daemon=True).start()
for line in sys.stdin:
    try:
        sock.sendall(b"me: " + line.encode())
    except OSError:
        break
sock.close()
