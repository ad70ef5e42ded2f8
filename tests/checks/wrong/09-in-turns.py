# plays: server client
# fails: 09.together -
# fails: 09.server-prints waits-for-user
# fails: 09.client-sends waits-for-partner
# decided: 70
"""Chapter 9's chat that takes turns, as chapter 2's does: the server's user begins."""
import socket
import sys

if sys.argv[1] == "server":
    sock, address = socket.create_server(("", int(sys.argv[2]))).accept()
else:
    sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    print("Them:", sock.recv(1024).decode())
while True:
    try:
        sock.sendall(input("You: ").encode())
        answer = sock.recv(1024)
    except (EOFError, OSError):
        break
    if not answer:
        break
    print("Them:", answer.decode())
