# plays: tunnel
# fails: 09.tunnel-calls calls-late
# decided: 15
"""Chapter 9's tunnel that looks at what a client says before it calls the target."""
import socket
import sys
import threading


def copy(source, sink, data=b""):
    try:
        while data or (data := source.recv(65536)):
            sink.sendall(data)
            data = b""
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, sink):
            sock.close()


def forward(client):
    first = client.recv(65536)
    try:
        target = socket.create_connection((sys.argv[3], int(sys.argv[4])))
    except OSError as e:
        print(e)
        client.close()
        return
    threading.Thread(target=copy, args=(target, client)).start()
    copy(client, target, first)


listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
while True:
    client, address = listener.accept()
    threading.Thread(target=forward, args=(client,)).start()
