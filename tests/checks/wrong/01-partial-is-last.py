# plays: client
# fails: 01.pieces short-read
# fails: 01.long-reply -
# fails: 01.split-letter -
"""Chapter 1 that takes a buffer that is not full for the last one."""
import socket
import sys

sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sock.sendall(input().encode() + b"\r\n")
while True:
    block = sock.recv(1024)
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
    if len(block) < 1024:
        break
