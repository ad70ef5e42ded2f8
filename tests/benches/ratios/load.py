# The same load as loadgen's client makes, by Python's asyncio: PORT CLIENTS ROUNDS.
import asyncio
import sys

MESSAGE = b"x" * 10_000


async def session(port, start):
    await start.wait()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(MESSAGE)
    writer.write_eof()
    answer = await reader.read()
    assert answer, "no answer"
    writer.close()
    await writer.wait_closed()


async def main(port, clients, rounds):
    for _ in range(rounds):
        start = asyncio.Event()
        sessions = [asyncio.create_task(session(port, start)) for _ in range(clients)]
        await asyncio.sleep(0)
        start.set()
        await asyncio.gather(*sessions)


asyncio.run(main(*map(int, sys.argv[1:])))
