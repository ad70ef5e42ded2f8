# Right, in the labs' own style: Python, short, everything in one place. It says on stdout what
# it does, knows no IPv6, leaves unknown requests without an answer, and takes turns.
import random
import sys
import time
from socket import AF_INET, SOCK_DGRAM, socket, timeout


def server(port):
    sock = socket(AF_INET, SOCK_DGRAM)
    sock.bind(("", port))
    print("The server is ready to receive")
    while True:
        message, address = sock.recvfrom(2048)
        request = message.decode(errors="replace")
        print("Got", repr(request), "from", address)
        if request == "SEND_DATE":
            sock.sendto(time.strftime("%d/%m/%Y").encode(), address)
        elif request == "SEND_TIME":
            sock.sendto(time.strftime("%H:%M:%S").encode(), address)


def client(host, port):
    sock = socket(AF_INET, SOCK_DGRAM)
    sock.settimeout(2)
    requests = ["SEND_DATE", "SEND_TIME"]
    while True:
        request = requests[0]
        requests.reverse()
        sock.sendto(request.encode(), (host, port))
        try:
            reply, _ = sock.recvfrom(2048)
            print("Reply to", request, "is:", reply.decode())
        except timeout:
            print("No reply, going on")
        time.sleep(random.uniform(1, 2))


if sys.argv[1] == "server":
    server(int(sys.argv[2]))
else:
    client(sys.argv[1], int(sys.argv[2]))
