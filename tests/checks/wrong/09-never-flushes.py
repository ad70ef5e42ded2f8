# fails: 09.together -
# fails: 09.server-sends never-flushed
# fails: 09.client-sends never-flushed
# fails: 09.tunnel-early never-flushed
# fails: 09.tunnel-back never-flushed
# decided: 60
"""Chapter 9 with writers of its own, which keep what they are given until there is much."""
import socket
import sys
import threading


def copy(source, sink):
    writer = sink.makefile("wb", buffering=8192)
    try:
        while data := source.recv(4096):
            writer.write(data)
        writer.flush()
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def forward(client, target):
    with client:
        try:
            target = socket.create_connection(target)
        except OSError:
            return
        with target:
            back = threading.Thread(target=copy, args=(target, client))
            back.start()
            copy(client, target)
            back.join()


def show(sock):
    try:
        while data := sock.recv(4096):
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
    except OSError:
        pass


def chat(sock):
    threading.Thread(target=show, args=(sock,), daemon=True).start()
    writer = sock.makefile("w", encoding="utf-8")
    try:
        for line in sys.stdin:
            writer.write(line)
        writer.close()
        sock.close()
    except OSError:
        pass


if sys.argv[1] == "tunnel":
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    while True:
        client, address = listener.accept()
        threading.Thread(target=forward, args=(client, (sys.argv[3], int(sys.argv[4])))).start()
elif sys.argv[1] == "server":
    chat(socket.create_server(("127.0.0.1", int(sys.argv[2]))).accept()[0])
else:
    chat(socket.create_connection((sys.argv[1], int(sys.argv[2]))))
