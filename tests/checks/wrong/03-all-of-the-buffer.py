# plays: server
# fails: 03.echoes whole-buffer
# fails: 03.megabyte -
"""Chapter 3 that sends its buffer back, all of it, however little was read into it."""
import socket
import sys
import threading

SIZE = 512


def serve(client):
    block = memoryview(bytearray(SIZE))
    try:
        while client.recv_into(block, SIZE) > 0:
            client.sendall(block)
    except OSError:
        pass
    client.close()


listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
while True:
    client, _ = listener.accept()
    threading.Thread(target=serve, args=(client,)).start()
