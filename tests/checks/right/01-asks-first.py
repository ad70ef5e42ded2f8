"""Chapter 1 that reads its user's line before it connects, and tells its user what it does.

    python3 01-asks-first.py HOST PORT
"""
import socket
import sys

line = input("What shall I send? ")
sock = socket.socket()
sock.connect((sys.argv[1], int(sys.argv[2])))
print("connected to", sock.getpeername())
sock.sendall((line + "\r\n").encode())
while True:
    block = sock.recv(512)
    if not block:
        break
    sys.stdout.flush()
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
print("the end")
