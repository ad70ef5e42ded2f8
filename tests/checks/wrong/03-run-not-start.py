# plays: server
# fails: 03.second-client one-at-a-time
"""Chapter 3 where run() is called instead of start(): the work is done in the old thread."""
import socket
import sys
import threading


def serve(client):
    try:
        while data := client.recv(65536):
            client.sendall(data)
    except OSError:
        pass
    client.close()


listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
while True:
    client, address = listener.accept()
    threading.Thread(target=serve, args=(client,)).run()
