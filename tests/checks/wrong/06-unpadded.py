# plays: encoder
# not judged: 06.length 06.pieces 06.coalesced 06.long 06.goodbye 06.huge-length
# fails: 06.encodes unpadded
"""Chapter 6 with bin(), which leaves out the zeros in front; without frames, one client at a time."""
import socketserver
import sys


class Encoder(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(1024).strip():
            self.request.sendall(' '.join(bin(ord(c))[2:] for c in data.decode()).encode())


socketserver.TCPServer(('', int(sys.argv[2])), Encoder).serve_forever()
