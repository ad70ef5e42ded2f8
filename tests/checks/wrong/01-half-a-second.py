# plays: client
# fails: 01.thinks silence-is-end
"""Chapter 1 that waits for half a second, and believes that then all has arrived."""
import select
import socket
import sys

server = socket.create_connection((sys.argv[1], int(sys.argv[2])))
line = sys.stdin.readline()
server.sendall(line.strip().encode() + b"\r\n")
while select.select([server], [], [], 0.5)[0]:
    block = server.recv(8192)
    if not block:
        break
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
