# The same load as loadgen's client makes, by Python's asyncio: PORT CLIENTS ROUNDS
# MESSAGE_BYTES.
import asyncio
import sys


async def session(port, start, message):
    await start.wait()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(message)
    writer.write_eof()
    answer = await reader.read()
    assert answer, "no answer"
    writer.close()
    await writer.wait_closed()


async def main(port, clients, rounds, message_bytes):
    message = b"x" * message_bytes
    for _ in range(rounds):
        start = asyncio.Event()
        sessions = [asyncio.create_task(session(port, start, message)) for _ in range(clients)]
        await asyncio.sleep(0)
        start.set()
        await asyncio.gather(*sessions)


asyncio.run(main(*map(int, sys.argv[1:])))
