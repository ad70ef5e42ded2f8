# plays: server
# fails: 04.two-digits fractions
"""Chapter 4 that sends a time as Python prints one: with its microseconds."""
import datetime
import socket
import sys

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", int(sys.argv[2])))
while True:
    request, client = sock.recvfrom(1024)
    now = datetime.datetime.now()
    answers = {b"SEND_DATE": f"Date: {now:%A, %d %B %Y}", b"SEND_TIME": f"Time: {now.time()}"}
    sock.sendto(answers.get(request.strip(), "what?").encode(), client)
