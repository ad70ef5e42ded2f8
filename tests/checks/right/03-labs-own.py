#!/usr/bin/env python3
# Right, in the labs' own style: a thread for each socket, recv(1024) and sendall(), listen(5),
# no SO_REUSEADDR, and a debug print for all that happens.
import socket
import sys
import threading


def worker(sock, other_data):
    while True:
        try:
            data = sock.recv(1024)
        except ConnectionError as e:
            print(other_data, "broke:", e)
            break
        if len(data) == 0:
            break
        print(other_data, "sent", len(data), "bytes")
        try:
            sock.sendall(data)
        except ConnectionError as e:
            print(other_data, "broke:", e)
            break
    print(other_data, "left")
    sock.close()


def main():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    addr = ("0.0.0.0", int(sys.argv[2]))
    listener.bind(addr)
    listener.listen(5)
    while True:
        (connectedSock, clientAddress) = listener.accept()
        print("Connection from", clientAddress)
        threading.Thread(target=worker, args=(connectedSock, clientAddress)).start()


main()
