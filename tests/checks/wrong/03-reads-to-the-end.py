# plays: server
# decided: 75
# fails: 03.echoes answers-at-the-end
# fails: 03.goes-on -
# fails: 03.half-line -
"""Chapter 3 that reads to the end of the stream before it answers."""
import socket
import sys
import threading


def serve(client):
    with client, client.makefile("rb") as reader:
        try:
            client.sendall(reader.read())
        except OSError:
            pass


listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
while True:
    client, address = listener.accept()
    threading.Thread(target=serve, args=(client,)).start()
