# plays: client
# fails: 01.ends empty-read
# fails: 01.rests spins
"""Chapter 1 that takes an empty read for "nothing yet"."""
import socket
import sys

client = socket.create_connection((sys.argv[1], int(sys.argv[2])))
client.sendall(sys.stdin.readline().rstrip("\n").encode() + b"\r\n")
while True:
    block = client.recv(4096)
    if block:
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
