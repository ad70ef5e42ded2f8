# plays: encoder
# fails: 06.encodes prefixed
"""Chapter 6 that leaves the 0b before each byte, as bin() makes it."""
import socket
import struct
import sys


def exactly(client, length):
    data = b""
    while len(data) < length:
        part = client.recv(length - len(data))
        if not part:
            raise ConnectionError("the client has left")
        data += part
    return data


def serve(client):
    while True:
        length, = struct.unpack("!I", exactly(client, 4))
        if length == 0 or length > 2**20:
            return
        groups = " ".join(map(bin, exactly(client, length))).encode()
        client.sendall(struct.pack("!I", len(groups)) + groups)


listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
while True:
    with listener.accept()[0] as client:
        try:
            serve(client)
        except OSError as why:
            print(why)
