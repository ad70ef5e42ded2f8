# plays: client
# not judged: 07.together
# A client in the style of L2: it asks for the name before it connects, and sends no line ends.
#
#     python3 07-asks-first.py HOST PORT
import socket
import sys
import threading

name = input('Enter login name: ')
sock = socket.socket()
sock.connect((sys.argv[1], int(sys.argv[2])))
sock.send(name.encode())


def listen():
    while data := sock.recv(1024):
        print(data.decode())


threading.Thread(target=listen, daemon=True).start()
while True:
    line = input('> ')
    sock.send(line.encode())
    if line == 'quit':
        break
sock.close()
