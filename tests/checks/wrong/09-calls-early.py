# plays: tunnel
# fails: 09.tunnel-next one-session
# fails: 09.tunnel-second -
# fails: 09.tunnel-down -
# decided: 75
"""Chapter 9's tunnel that connects to its target first, and then waits for a client."""
import socket
import sys
import threading


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


target = socket.create_connection((sys.argv[3], int(sys.argv[4])))
listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
while True:
    client, address = listener.accept()
    threading.Thread(target=copy, args=(client, target)).start()
    threading.Thread(target=copy, args=(target, client)).start()
