# not judged: 02.lines 02.split-letter
# plays: server
"""Chapter 2, its server alone: it reads lines, and sends its own without a line end, for a client
whose recv() takes what comes.

    python3 02-half-lines.py server PORT
"""
import socket
import sys

listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
while True:
    sock, address = listener.accept()
    print("connection from", address)
    with sock, sock.makefile("r") as lines:
        for line in lines:
            print("they say", line.rstrip("\n"))
            text = sys.stdin.readline().rstrip("\n")
            if not text:
                break
            sock.sendall(text.encode())
    print("they have left")
