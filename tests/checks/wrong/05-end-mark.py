# plays: client
# not judged: 05.together
# decided: 40
# fails: 05.client-asks end-mark
# fails: 05.client-quits end-mark
"""Chapter 5's client with an end mark of its own behind each message."""
import socket
import sys

conn = socket.create_connection((sys.argv[1], int(sys.argv[2])))


def send(text):
    conn.sendall(f'{text}&END;'.encode())


send('Grace')
for line in sys.stdin:
    line = line.strip()
    send(line)
    if line == 'q':
        break
    print(conn.recv(1024).decode().removesuffix('&END;'))
