"""Chapter 5 as a dialogue: the server asks for the name, greets, answers in sentences, and asks for
the next operation each time. Its client waits to be greeted, and shows each line that comes.

    python3 05-prompts.py server PORT
    python3 05-prompts.py HOST PORT
"""
import operator
import re
import socket
import sys
import threading

OPERATORS = {'+': operator.add, '-': operator.sub, '*': operator.mul, '/': operator.truediv}


def calculate(text):
    try:
        a, op, b = text.split()
        return f'The result of {text} is {OPERATORS[op](float(a), float(b)):.6f}'
    except ZeroDivisionError:
        return f'Sorry, {text} would divide by 0'
    except (ValueError, KeyError):
        return 'Error 400: write it as in 12 + 42'


def serve(conn):
    with conn, conn.makefile('r') as lines, conn.makefile('w') as out:
        try:
            print('Welcome to the calculator!', 'What is your name?', sep='\n', end=' ',
                  file=out, flush=True)
            name = lines.readline().strip()
            print(f'Hello, {name}!', 'Your operation?', sep='\n', end=' ', file=out, flush=True)
            for line in lines:
                request = line.strip()
                print(f'[{name}]', request)
                if request == 'q':
                    print('Bye.', file=out, flush=True)
                    break
                print(calculate(request), 'Your operation?', sep='\n', end=' ', file=out,
                      flush=True)
        except (OSError, UnicodeDecodeError) as error:
            print('lost', error, file=sys.stderr)
    print('Session ended')


def server(port):
    with socket.create_server(('', port)) as listener:
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=serve, args=(conn,), daemon=True).start()


def client(host, port):
    number = r'-?\d+(\.\d+)?'
    with socket.create_connection((host, port)) as conn:
        replies = conn.makefile('r')
        print(replies.readline(), end='')
        conn.sendall((input() + '\n').encode())
        print(replies.readline(), end='')
        while True:
            line = input().strip()
            if line == 'q':
                conn.sendall(b'q\n')
                break
            if not re.fullmatch(rf'{number} +[-+*/] +{number}', line):
                print('That is not an operation, try again:', end=' ')
                continue
            conn.sendall((line + '\n').encode())
            print(replies.readline(), end='')


if sys.argv[1] == 'server':
    server(int(sys.argv[2]))
else:
    client(sys.argv[1], int(sys.argv[2]))
