# plays: client
# not judged: 05.client-pieces 05.together
"""Chapter 5, its client: asks for the name before it connects, sends no line ends, and reads
lines, because its server sends them.

    python3 05-asks-first.py HOST PORT
"""
import re
import socket
import sys

NUMBER = r"-?\d+(\.\d+)?"

name = input("Your name? ")
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
    server.sendall(name.encode())
    answers = server.makefile("r")
    for line in sys.stdin:
        request = line.strip()
        if request == "q":
            server.sendall(b"q")
            break
        if not re.fullmatch(rf"{NUMBER} [-+*/] {NUMBER}", request):
            print("Please write two numbers and what to do with them: 12 + 42")
            continue
        server.sendall(request.encode())
        answer = answers.readline()
        if not answer:
            break
        print("that is", answer.strip())
