# plays: server
# fails: 05.name name-is-request
"""Chapter 5 that knows no name: the first line is a request to it as all others are."""
import socketserver
import sys


def result(request):
    a, op, b = request.split()
    a, b = float(a), float(b)
    return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else "infinite"}[op]


class Calculator(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            request = line.decode(errors="replace").strip()
            print("received", request)
            if request == "q":
                break
            try:
                answer = result(request)
            except (ValueError, KeyError):
                answer = "error: that is not A OP B"
            self.wfile.write(f"{answer}\n".encode())
        print("Session ended")


socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[2])), Calculator).serve_forever()
