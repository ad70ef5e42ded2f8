#!/usr/bin/env python3
# Right, in the labs' own style: input() with a prompt, recv(1024), debug prints. A letter can
# arrive in two pieces, so a decoder keeps what is not one yet.
import codecs
import socket
import sys

host = sys.argv[1]
port = int(sys.argv[2])

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
print("Connecting to", host, port)
sock.connect((host, port))
print("Connection completed")

line = input("Line to send: ")
sock.sendall((line + "\r\n").encode())
print("Sent", len(line), "characters")

decoder = codecs.getincrementaldecoder("utf-8")()
while True:
    msg = sock.recv(1024)
    if msg == b"":
        break
    print(decoder.decode(msg))

print("Done")
sock.close()
