# plays: client
# not judged: 05.together
# fails: 05.client-checks sends-malformed
"""Chapter 5's client that counts the words, and never looks at the numbers."""
import socket
import sys

conn = socket.create_connection((sys.argv[1], int(sys.argv[2])))
conn.send(b'client-1\n')
replies = conn.makefile('r')
for line in sys.stdin:
    words = line.split()
    if words == ['q']:
        break
    if len(words) != 3 or words[1] not in ('+', '-', '*', '/'):
        print('Wrong format!', file=sys.stderr)
        continue
    conn.send(line.encode())
    print('=', replies.readline().strip())
conn.send(b'q\n')
