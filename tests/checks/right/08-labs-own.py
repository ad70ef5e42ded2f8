#!/usr/bin/env python3
# Right, in the labs' own style: a thread for each client on both sides, listen(5), one recv()
# for the intro and one for the answer, and a report in words of its own.
import socket
import sys
import threading

lock = threading.Lock()
served = 0


def talk(sock, addr):
    try:
        sock.sendall("Welcome to the server, client {}".format(addr[1]).encode())
        total = 0
        while True:
            data = sock.recv(1024)
            if not data:
                break
            total = total + len(data)
        print("Long message from", addr, "with", total, "characters")
        sock.sendall("received {} bytes".format(total).encode())
    except ConnectionError as e:
        print("Lost", addr, e)
    sock.close()


def server(port):
    server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server_socket.bind(("localhost", port))
    server_socket.listen(5)
    print("Waiting on port", port)
    while True:
        (sock, addr) = server_socket.accept()
        threading.Thread(target=talk, args=(sock, addr)).start()


def one_client(number, host, port, message):
    global served
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.connect((host, port))
        intro = sock.recv(1024)
        print("client", number, "got the intro:", intro.decode())
        sock.sendall(message)
        sock.shutdown(socket.SHUT_WR)
        answer = sock.recv(1024).decode().strip()
        sock.close()
    except OSError as e:
        print("client", number, "failed:", e)
        return
    if answer == "received {} bytes".format(len(message)):
        with lock:
            served = served + 1


def clients(host, port, count, length):
    message = b"A" * length
    threads = []
    for number in range(count):
        thread = threading.Thread(target=one_client, args=(number, host, port, message))
        threads.append(thread)
        thread.start()
    for thread in threads:
        thread.join()
    print("Served: {}/{}".format(served, count))


if sys.argv[1] == "server":
    server(int(sys.argv[2]))
else:
    count = int(sys.argv[sys.argv.index("--clients") + 1])
    length = int(sys.argv[sys.argv.index("--message-bytes") + 1])
    clients(sys.argv[1], int(sys.argv[2]), count, length)
