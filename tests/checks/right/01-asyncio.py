#!/usr/bin/env python3
# Right, with asyncio: waiting for the user and for the network at the same time.
import asyncio
import sys


async def typed_line():
    # Bytes, so that nothing has to be understood to be sent.
    loop = asyncio.get_running_loop()
    return (await loop.run_in_executor(None, sys.stdin.buffer.readline)).rstrip(b"\r\n")


async def print_reply(reader):
    while block := await reader.read(5000):
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()


async def main(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    reply = asyncio.create_task(print_reply(reader))
    writer.write(await typed_line() + b"\r\n")
    await writer.drain()
    await reply
    writer.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
