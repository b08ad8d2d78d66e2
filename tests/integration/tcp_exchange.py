"""Two ends of TCP connections that check every byte they get: `tcp_exchange.py serve ADDRESS…` and `… connect ADDRESS`.

The server speaks first, if asked by the port: it greets on FIRST_PORT, and waits for the client on PORT. The client then
says how much it will send and wants to get, sends its part, gets the digest of what arrived and the server's part with
the digest of that; either end may be slow to read. What the client prints is a JSON object.
"""

import argparse
import asyncio
import hashlib
import json
import random
import socket

PORT = 7100
FIRST_PORT = 7101
GREETING = b"220 speak\n"
CHUNK = 65536


async def read_digest(reader, size, pause):
    """The digest of the next `size` bytes; nothing is read for `pause` seconds in the middle."""
    digest = hashlib.sha256()
    left = size
    while left:
        if pause and left <= size // 2:
            await asyncio.sleep(pause)
            pause = 0
        data = await reader.read(min(left, CHUNK))
        if not data:
            raise EOFError(f"{left} of {size} bytes are missing")
        digest.update(data)
        left -= len(data)
    return digest.hexdigest()


async def write_random(writer, size, seed):
    """Sends `size` bytes that follow from the seed; their digest."""
    digest = hashlib.sha256()
    source = random.Random(seed)
    for sent in range(0, size, CHUNK):
        data = source.randbytes(min(CHUNK, size - sent))
        digest.update(data)
        writer.write(data)
        await writer.drain()
    return digest.hexdigest()


async def serve(addresses):
    async def one(reader, writer):
        try:
            if writer.get_extra_info("sockname")[1] == FIRST_PORT:
                writer.write(GREETING)
            request = json.loads(await reader.readline())
            got, sent = await asyncio.gather(read_digest(reader, request["up"], request["server_pause"]),
                                             write_random(writer, request["down"], request["seed"]))
            writer.write((json.dumps({"got": got, "sent": sent}) + "\n").encode())
            await writer.drain()
        except (ConnectionError, EOFError, ValueError):
            pass
        finally:
            writer.close()

    for port in (PORT, FIRST_PORT):
        await asyncio.start_server(one, addresses, port, backlog=1000)
    print("serving", flush=True)
    await asyncio.Event().wait()


async def exchange(arguments, number):
    """One connection; None, or what went wrong."""
    reader, writer = await asyncio.open_connection(arguments.address, FIRST_PORT if arguments.greeted else PORT)
    try:
        if arguments.greeted and await reader.readline() != GREETING:
            return "no greeting"
        request = {"up": arguments.up, "down": arguments.down, "seed": number, "server_pause": arguments.server_pause}
        writer.write((json.dumps(request) + "\n").encode())
        sent, got = await asyncio.gather(write_random(writer, arguments.up, ~number),
                                         read_digest(reader, arguments.down, arguments.client_pause))
        answer = json.loads(await reader.readline())
        if answer != {"got": sent, "sent": got}:
            return "the bytes are not those that were sent"
        if await reader.read():
            return "something behind the end"
        return None
    finally:
        writer.close()


async def connect(arguments):
    async def guarded(number):
        try:
            return await asyncio.wait_for(exchange(arguments, number), arguments.timeout)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
            return f"{type(error).__name__}: {error}"

    results = await asyncio.gather(*(guarded(number) for number in range(arguments.connections)))
    wrong = [result for result in results if result]
    print(json.dumps({"completed": len(results) - len(wrong), "wrong": sorted(set(wrong))}))


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True, dest="command")
    command = commands.add_parser("serve")
    command.add_argument("addresses", nargs="+")
    command = commands.add_parser("connect")
    command.add_argument("address")
    command.add_argument("--greeted", action="store_true")
    command.add_argument("--timeout", type=float, default=20)
    command.add_argument("--connections", type=int, default=1)
    for name in ("--up", "--down"):
        command.add_argument(name, type=int, default=1000)
    for name in ("--client-pause", "--server-pause"):
        command.add_argument(name, type=float, default=0)
    arguments = parser.parse_args()
    socket.setdefaulttimeout(arguments.timeout if arguments.command == "connect" else None)
    asyncio.run(serve(arguments.addresses) if arguments.command == "serve" else connect(arguments))


if __name__ == "__main__":
    main()
