# plays: server client
# fails: 04.rests spins
# fails: 04.client-rests spins
"""Chapter 4 with a thread that waits for `quit` on stdin, and does not know the end of it."""
import os
import random
import socket
import sys
import threading
import time


def watch():
    while True:
        if sys.stdin.readline() == "quit\n":
            os._exit(0)


threading.Thread(target=watch, daemon=True).start()
sock = socket.socket(type=socket.SOCK_DGRAM)
if sys.argv[1] == "server":
    sock.bind(("0.0.0.0", int(sys.argv[2])))
    while True:
        request, client = sock.recvfrom(1024)
        form = "%Y-%m-%d" if request.strip() == b"SEND_DATE" else "%H:%M:%S"
        sock.sendto(time.strftime(form).encode(), client)
else:
    sock.settimeout(1)
    while True:
        request = random.choice(["SEND_DATE", "SEND_TIME"])
        sock.sendto(request.encode(), (sys.argv[1], int(sys.argv[2])))
        try:
            print(sock.recv(1024).decode(), flush=True)
        except TimeoutError:
            print("no answer", flush=True)
        time.sleep(random.uniform(1, 2))
