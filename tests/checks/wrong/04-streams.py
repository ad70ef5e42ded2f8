# plays: server
# decided: 5
# fails: 04.binds tcp-not-udp
"""Chapter 4 over TCP: it listens, and no datagram ever reaches it."""
import socket
import sys
from datetime import datetime

server = socket.create_server(("", int(sys.argv[2])))
while True:
    client, _ = server.accept()
    request = client.recv(100).decode()
    form = "%Y-%m-%d" if request == "SEND_DATE" else "%H:%M:%S"
    client.send(datetime.now().strftime(form).encode())
    client.close()
