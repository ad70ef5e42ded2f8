# plays: client
# fails: 07.client-rests empty-read
"""Chapter 7, a client that prints what comes without a look at how much that is.

    python3 07-client-floods.py HOST PORT
"""
import os
import socket
import sys
import threading


def listen():
    while True:
        print(conn.recv(1024).decode())


conn = socket.create_connection((sys.argv[1], int(sys.argv[2])))
conn.sendall(input('Enter login name:\n> ').encode())
threading.Thread(target=listen, daemon=True).start()
while True:
    line = input('> ')
    conn.sendall(line.encode())
    if line == 'quit':
        os._exit(0)
