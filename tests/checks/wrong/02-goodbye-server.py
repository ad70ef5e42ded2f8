# plays: server client
# fails: 02.after-blank blank-ends-all
"""Chapter 2 in lines; a blank line of the server's own user ends the whole program."""
import socket
import sys


def conversation(connection, my_turn):
    reader = connection.makefile("r", encoding="utf-8")
    while True:
        if my_turn:
            text = sys.stdin.readline().strip("\n")
            if text == "":
                return "me"
            connection.sendall(text.encode() + b"\n")
        else:
            text = reader.readline()
            if text == "":
                return "them"
            print(text, end="", flush=True)
        my_turn = not my_turn


if sys.argv[1] == "server":
    listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
    who = "them"
    while who == "them":
        connection, _ = listener.accept()
        who = conversation(connection, False)
        connection.close()
else:
    conversation(socket.create_connection((sys.argv[1], int(sys.argv[2]))), True)
