# plays: tunnel
# fails: 09.tunnel-stuck one-direction
# fails: 09.tunnel-stalled stuck-stops-all
"""Chapter 9's tunnel in one thread: select says where something can be read, and sendall waits."""
import select
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
others = {}
reading = [listener]
ended = set()


def forget(sock):
    for each in (sock, others[sock]):
        if each in reading:
            reading.remove(each)
        ended.discard(each)
        each.close()
    del others[others[sock]], others[sock]


while True:
    for sock in select.select(reading, [], [])[0]:
        if sock is listener:
            client, address = listener.accept()
            try:
                target = socket.create_connection((sys.argv[3], int(sys.argv[4])))
            except OSError:
                client.close()
                continue
            others[client], others[target] = target, client
            reading += [client, target]
        elif sock in others:
            other = others[sock]
            try:
                data = sock.recv(65536)
                if data:
                    other.sendall(data)
                    continue
                reading.remove(sock)
                ended.add(sock)
                other.shutdown(socket.SHUT_WR)
                if other in ended:
                    forget(sock)
            except OSError:
                forget(sock)
