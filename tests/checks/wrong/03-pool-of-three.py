# plays: server
# fails: 03.apart few-at-once
"""Chapter 3 with three threads in all, each of which belongs to a client while it stays."""
import socket
import sys
import threading

listener = socket.create_server(("0.0.0.0", int(sys.argv[2])), backlog=128)


def serve():
    while True:
        client, _ = listener.accept()
        try:
            while data := client.recv(4096):
                client.sendall(data)
        except OSError:
            pass
        client.close()


workers = [threading.Thread(target=serve) for _ in range(3)]
for worker in workers:
    worker.start()
