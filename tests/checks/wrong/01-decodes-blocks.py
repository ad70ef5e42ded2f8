# plays: client
# fails: 01.split-letter decodes-pieces
"""Chapter 1 that makes text of each block by itself."""
import socket
import sys

client = socket.socket()
client.connect((sys.argv[1], int(sys.argv[2])))
client.send((input() + "\r\n").encode("utf-8"))
block = client.recv(2048)
while block != b"":
    sys.stdout.write(block.decode("utf-8"))
    sys.stdout.flush()
    block = client.recv(2048)
client.close()
