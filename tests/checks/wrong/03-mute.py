# plays: server
# decided: 20
# fails: 03.answers -
# fails: 03.echoes -
"""Chapter 3 that reads what its clients say, and keeps it."""
import socket
import sys
import threading


def serve(client):
    with client:
        while client.recv(4096):
            pass


listener = socket.create_server(("", int(sys.argv[2])))
while True:
    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
