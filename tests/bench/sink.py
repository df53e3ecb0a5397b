"""A platform for measuring: takes batches of members and answers after 20 ms.

``python tests/bench/sink.py [CALLS SECONDS]``: with a limit it takes at most so many calls in any so many seconds and
answers 429 to the others; ``GET /refused`` tells how many those were.
"""

import asyncio
import sys
import time
from collections import deque

LATENCY = 0.020  # seconds
BODY = b'{"rejected": []}'
REFUSAL = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Limit:
    """A sliding window over the calls of everybody."""

    def __init__(self, calls: int, seconds: float) -> None:
        self.calls = calls
        self.seconds = seconds
        self.refused = 0
        self._taken: deque[float] = deque()

    def takes(self) -> bool:
        """Count one call that has arrived."""
        now = time.monotonic()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.calls:
            self.refused += 1
            return False
        self._taken.append(now)
        return True


LIMIT = Limit(int(sys.argv[1]), float(sys.argv[2])) if len(sys.argv) == 3 else None


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of one connection until it is closed."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ),
                0,
            )
            await reader.readexactly(length)
            if LIMIT is not None and head.startswith(b"GET /refused"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%8d" % LIMIT.refused)
            elif LIMIT is not None and not LIMIT.takes():
                writer.write(REFUSAL)
            else:
                await asyncio.sleep(LATENCY)
                writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    """Serve until standard input is closed; the port is the one line of standard output."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
