# fails: 09.server-rests spins
# fails: 09.client-rests spins
# fails: 09.tunnel-rests spins
# fails: 09.tunnel-end end-swallowed
# fails: 09.server-ends empty-read
# fails: 09.client-ends empty-read
"""Chapter 9 that asks again when a read has returned 0 bytes."""
import socket
import sys
import threading


def copy(source, sink):
    try:
        while True:
            sink.sendall(source.recv(4096))
    except OSError:
        for sock in (source, sink):
            sock.close()


def show(sock):
    while True:
        data = sock.recv(4096)
        if data:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()


def chat(sock):
    threading.Thread(target=show, args=(sock,)).start()
    for line in sys.stdin:
        sock.sendall(line.encode())
    sock.shutdown(socket.SHUT_WR)


if sys.argv[1] == "tunnel":
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    while True:
        client, address = listener.accept()
        try:
            target = socket.create_connection((sys.argv[3], int(sys.argv[4])))
        except OSError:
            client.close()
            continue
        threading.Thread(target=copy, args=(target, client)).start()
        threading.Thread(target=copy, args=(client, target)).start()
elif sys.argv[1] == "server":
    chat(socket.create_server(("127.0.0.1", int(sys.argv[2]))).accept()[0])
else:
    chat(socket.create_connection((sys.argv[1], int(sys.argv[2]))))
