#!/usr/bin/env python3
# Right, in the labs' own style: one recv is one message, no line end goes over the wire,
# prompts and debug prints, no SO_REUSEADDR, and the end of the input is not thought of.
# not judged: 02.lines 02.split-letter 02.client-lines 02.client-split-letter
import socket
import sys


def speak(sock):
    line = input("You: ")
    if line == "":
        return False
    sock.sendall(line.encode())
    return True


def listen(sock):
    msg = sock.recv(1024).decode()
    if msg == "":
        print("The other side has left")
        return False
    print("They:", msg)
    return True


def server(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("0.0.0.0", port))
    sock.listen(5)
    while True:
        (conn, addr) = sock.accept()
        print("Connection from", addr)
        while listen(conn) and speak(conn):
            pass
        conn.close()


def client(host, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((host, port))
    print("Connected")
    while speak(sock) and listen(sock):
        pass
    sock.close()


if sys.argv[1] == "server":
    server(int(sys.argv[2]))
else:
    client(sys.argv[1], int(sys.argv[2]))
