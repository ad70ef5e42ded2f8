# plays: server
# fails: 04.fresh one-behind
"""Chapter 4 where the loop looks at the clock, and then waits for somebody to ask."""
import socket
import sys
from datetime import datetime

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(sys.argv[2])))
while True:
    now = datetime.now()
    request, client = server.recvfrom(2048)
    if request == b"SEND_DATE":
        server.sendto(now.strftime("%d/%m/%Y").encode(), client)
    elif request == b"SEND_TIME":
        server.sendto(now.strftime("%H:%M:%S").encode(), client)
