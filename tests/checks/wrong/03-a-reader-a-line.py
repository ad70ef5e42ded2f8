# plays: server
# decided: 75
# fails: 03.half-line waits-for-line
# fails: 03.megabyte reader-lost
# fails: 03.owed -
"""Chapter 3 that makes a new reader for each line, and loses what the old one had read ahead."""
import socket
import sys
import threading


def serve(client):
    with client:
        try:
            while line := client.makefile("rb").readline():
                client.sendall(line)
        except OSError:
            pass


listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
while True:
    client, _ = listener.accept()
    threading.Thread(target=serve, args=(client,)).start()
