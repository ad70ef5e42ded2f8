# plays: server
# fails: 03.closes empty-read
# fails: 03.rests spins
"""Chapter 3 that takes the empty read for one more message, and asks again at once."""
import socket
import sys
import threading


def serve(client):
    while True:
        try:
            client.sendall(client.recv(65536))
        except OSError:
            return


listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
while True:
    client, address = listener.accept()
    threading.Thread(target=serve, args=(client,)).start()
