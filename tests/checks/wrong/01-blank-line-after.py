# plays: client
# fails: 01.crlf two-endings
"""Chapter 1 that ends its line as an HTTP request ends: with an empty line."""
import socket
import sys

sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sock.sendall(input().encode() + b"\r\n\r\n")
while block := sock.recv(1024):
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
