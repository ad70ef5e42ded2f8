# plays: server
# decided: 75
# fails: 03.echoes never-flushed
# fails: 03.goes-on -
# fails: 03.half-line -
"""Chapter 3 that writes into a buffer of its own and leaves it there until the end."""
import socket
import sys
import threading


def serve(client):
    with client, client.makefile("wb", buffering=8192) as writer:
        try:
            while data := client.recv(1024):
                writer.write(data)
        except OSError:
            pass


listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
while True:
    client, address = listener.accept()
    threading.Thread(target=serve, args=(client,)).start()
