# fails: 09.together wait-for-each-other
# plays: server client
"""Chapter 9's chat that sends what input() returns, without the line's end, and waits for one."""
import socket
import sys
import threading


def listen(sock):
    for line in sock.makefile("r", errors="replace"):
        print("they say", line.rstrip())
    print("they have left")


def chat(sock):
    listener = threading.Thread(target=listen, args=(sock,))
    listener.start()
    try:
        while True:
            sock.sendall(input().encode())
    except EOFError:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    listener.join()


if sys.argv[1] == "server":
    chat(socket.create_server(("127.0.0.1", int(sys.argv[2]))).accept()[0])
else:
    chat(socket.create_connection((sys.argv[1], int(sys.argv[2]))))
