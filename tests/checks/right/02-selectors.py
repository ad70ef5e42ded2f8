#!/usr/bin/env python3
# Right, with one selector for the keyboard and the network: it hears both at any time, keeps
# what comes early, and takes turns all the same. Messages are lines.
import os
import selectors
import socket
import sys


class Lines:
    """Bytes become lines; None stands for the end."""

    def __init__(self):
        self.rest = b""
        self.ready = []

    def feed(self, data):
        if not data:
            self.ready.append(None)
            return
        *whole, self.rest = (self.rest + data).split(b"\n")
        self.ready.extend(whole)


def talk(sock, keyboard, ours):
    network = Lines()
    selector = selectors.DefaultSelector()
    selector.register(sock, selectors.EVENT_READ, network)
    if None not in keyboard.ready:
        selector.register(0, selectors.EVENT_READ, keyboard)
    while True:
        source = keyboard if ours else network
        while not source.ready:
            for key, _ in selector.select():
                data = os.read(0, 4096) if key.fileobj == 0 else receive(sock)
                key.data.feed(data)
                if not data:
                    selector.unregister(key.fileobj)
        line = source.ready[0] if source.ready[0] is None else source.ready.pop(0)
        if line is None or (ours and line == b""):
            return
        if ours:
            sock.sendall(line + b"\n")
        else:
            print(line.decode(errors="replace"), flush=True)
        ours = not ours


def receive(sock):
    try:
        return sock.recv(4096)
    except ConnectionError:
        return b""


def main():
    keyboard = Lines()
    if sys.argv[1] != "server":
        with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as sock:
            talk(sock, keyboard, ours=True)
        return
    with socket.create_server(("0.0.0.0", int(sys.argv[2]))) as listener:
        while None not in keyboard.ready:
            sock, _ = listener.accept()
            with sock:
                talk(sock, keyboard, ours=False)


main()
