# plays: tunnel
# fails: 09.tunnel-apart few-at-once
"""Chapter 9's tunnel with a pool of four threads, each of which belongs to one connection."""
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def forward(client):
    with client:
        try:
            target = socket.create_connection((sys.argv[3], int(sys.argv[4])))
        except OSError as e:
            print(e)
            return
        with target:
            back = threading.Thread(target=copy, args=(target, client))
            back.start()
            copy(client, target)
            back.join()


listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
with ThreadPoolExecutor(max_workers=4) as pool:
    while True:
        pool.submit(forward, listener.accept()[0])
