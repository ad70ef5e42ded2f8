# plays: tunnel
# fails: 09.tunnel-back one-after-the-other
# decided: 50
"""Chapter 9's tunnel that passes on all of the request, then all of the reply."""
import socket
import sys
import threading


def copy(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def forward(client):
    try:
        target = socket.create_connection((sys.argv[3], int(sys.argv[4])))
        copy(client, target)
        copy(target, client)
        target.close()
    except OSError as e:
        print(e)
    client.close()


listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
while True:
    client, address = listener.accept()
    threading.Thread(target=forward, args=(client,)).start()
