# plays: server
# fails: 04.garbage errors-on
"""Chapter 4 that remembers an unknown request, and is cross with everybody after it."""
import socket
import sys
import time

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[2])))
error = False
while True:
    request, client = server.recvfrom(1024)
    if request not in (b"SEND_DATE", b"SEND_TIME", b""):
        error = True
    if error:
        answer = "error: unknown request"
    elif request == b"SEND_DATE":
        answer = time.strftime("%Y-%m-%d")
    else:
        answer = time.strftime("%H:%M:%S")
    server.sendto(answer.encode(), client)
