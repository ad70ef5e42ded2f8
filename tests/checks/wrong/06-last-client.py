# plays: encoder
# fails: 06.two-clients crossed-06
"""Chapter 6 with the connection in a global variable: whoever came last gets all answers."""
import socket
import struct
import sys
import threading

conn = None


def exactly(sock, length):
    data = b''
    while len(data) < length:
        piece = sock.recv(length - len(data))
        if not piece:
            return b''
        data += piece
    return data


def serve(own):
    try:
        while head := exactly(own, 4):
            data = exactly(own, struct.unpack('!I', head)[0])
            if not data:
                break
            answer = ' '.join(f'{byte:08b}' for byte in data).encode()
            conn.sendall(struct.pack('!I', len(answer)) + answer)
    except OSError:
        pass
    own.close()


listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=(conn,)).start()
