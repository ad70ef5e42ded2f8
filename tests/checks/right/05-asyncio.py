"""Chapter 5 with one thread and asyncio: lines, exact fractions, a goodbye.

    python3 05-asyncio.py server PORT
    python3 05-asyncio.py HOST PORT
"""
import asyncio
import re
import sys
from fractions import Fraction

REQUEST = re.compile(r'(-?\d+(?:\.\d+)?) +([-+*/]) +(-?\d+(?:\.\d+)?)$')
OPERATORS = {
    '+': lambda a, b: a + b,
    '-': lambda a, b: a - b,
    '*': lambda a, b: a * b,
    '/': lambda a, b: a / b,
}


def answer(line):
    match = REQUEST.match(line)
    if not match:
        return 'ERR what is that?'
    a, operator, b = match.groups()
    try:
        return str(float(OPERATORS[operator](Fraction(a), Fraction(b))))
    except ZeroDivisionError:
        return 'ERR by zero'


async def serve(reader, writer):
    name = (await reader.readline()).decode().strip()
    while line := await reader.readline():
        line = line.decode(errors='replace').strip()
        if line == 'q':
            writer.write(b'bye\n')
            break
        print(f'{name} asks {line}')
        writer.write(f'{answer(line)}\n'.encode())
        await writer.drain()
    print(f'Session ended ({name})')
    writer.close()


async def server(port):
    listener = await asyncio.start_server(serve, '127.0.0.1', port)
    await listener.serve_forever()


async def client(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    loop = asyncio.get_running_loop()
    print('name? ', end='')
    writer.write((await loop.run_in_executor(None, sys.stdin.readline)).encode())
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == 'q':
            break
        if not REQUEST.match(line.strip()):
            print('not an operation', file=sys.stderr)
            continue
        writer.write(line.encode())
        print('=', (await reader.readline()).decode().strip())
    writer.write(b'q\n')
    await writer.drain()
    writer.close()


if sys.argv[1] == 'server':
    asyncio.run(server(int(sys.argv[2])))
else:
    asyncio.run(client(sys.argv[1], int(sys.argv[2])))
