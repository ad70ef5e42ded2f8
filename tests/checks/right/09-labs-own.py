#!/usr/bin/env python3
# Right, in the labs' own style: input() in one thread and recv() in the other, no line end on
# the wire, labels around what is printed, and the end of the input is what ends the program. A
# letter can arrive in two pieces, so a decoder keeps what is not one yet.
import codecs
import socket
import sys
import threading


def show(sock):
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        try:
            msg = sock.recv(1024)
        except ConnectionError:
            msg = b""
        if msg == b"":
            print("*** they have left, press Ctrl-D to leave too ***")
            return
        print("[they]", decoder.decode(msg))


def chat(sock):
    thread = threading.Thread(target=show, args=(sock,))
    thread.daemon = True
    thread.start()
    while True:
        try:
            line = input("[you] ")
        except EOFError:
            break
        try:
            sock.sendall(line.encode())
        except ConnectionError:
            break
    sock.close()


def copy(source, sink):
    try:
        while True:
            data = source.recv(4096)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def forward(client, host, port):
    try:
        target = socket.create_connection((host, port))
    except OSError as e:
        print("no way to", host, port, e)
        client.close()
        return
    back = threading.Thread(target=copy, args=(target, client))
    back.start()
    copy(client, target)
    back.join()
    client.close()
    target.close()


def tunnel(lport, host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("", lport))
    listener.listen(5)
    while True:
        (client, addr) = listener.accept()
        print("forwarding", addr)
        threading.Thread(target=forward, args=(client, host, port)).start()


if sys.argv[1] == "tunnel":
    tunnel(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
elif sys.argv[1] == "server":
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("0.0.0.0", int(sys.argv[2])))
    listener.listen(1)
    (sock, addr) = listener.accept()
    print("Connection from", addr)
    chat(sock)
else:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((sys.argv[1], int(sys.argv[2])))
    chat(sock)
