# plays: server
# fails: 05.own-name name-shared
"""Chapter 5 with the client's name in a global: whoever came last is printed with every request."""
import socketserver
import sys

current = None


class Calculator(socketserver.StreamRequestHandler):
    def handle(self):
        global current
        current = self.rfile.readline().decode().strip()
        for line in self.rfile:
            line = line.decode(errors='replace').strip()
            print(f'({current}) {line}')
            if line == 'q':
                break
            self.wfile.write(f'{self.result(line)}\n'.encode())
        print('Session ended')

    def result(self, line):
        try:
            a, op, b = line.split()
            a, b = float(a), float(b)
            return {'+': a + b, '-': a - b, '*': a * b, '/': a / b if b else 'error'}[op]
        except (ValueError, KeyError):
            return 'error'


socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer(('', int(sys.argv[2])), Calculator).serve_forever()
