"""A file of lines somewhere on the web, read as it comes: what a platform leaves in a storage when a job is done.

The address is signed and speaks for itself: no credential of the platform goes there, and it is named in no text.
"""

import os
import time
from collections.abc import Iterator

import requests

from include import url_log
from include.errors import FatalError, RetriableError
from include.http_client import TIMEOUT, TRIES

PIECE = 1 << 16  # bytes read at once
PAUSE = 0.2  # seconds before a broken connection is taken up, twice as long each time
GONE = (401, 403, 404, 410)  # how storages say that an address is no longer valid


class FileGoneError(FatalError):
    """The address is no longer valid; the platform may give another one."""


def lines(url: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield each line without its end, with the offset of the next one in bytes, beginning at ``start``.

    A connection that breaks is taken up behind the last whole line. Only a piece and a line are held in memory.

    :param start: where a line begins.
    :raises FileGoneError: the address is no longer valid.
    :raises RetriableError: the storage keeps failing.
    """
    url_log.install()
    at, failures = start, 0
    while True:
        try:
            for end, line in _read(url, at):
                yield end, line
                at, failures = end, 0
            return
        except RetriableError:
            failures += 1
            if failures >= TRIES:
                raise
            time.sleep(PAUSE * 2 ** (failures - 1))


def _read(url: str, start: int) -> Iterator[tuple[int, bytes]]:
    at, rest = start, b""
    for piece in _pieces(url, start):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            at += len(line) + 1
            yield at, line
    if rest:  # the last line has no end
        yield at + len(rest), rest


def _pieces(url: str, start: int) -> Iterator[bytes]:
    """The file from ``start`` on, as it comes. Nothing is chained: the library's own texts carry the address."""
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        with _session(url) as session, session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            skipped = _skipped(response, start)
            for piece in response.iter_content(PIECE) if skipped is not None else ():
                yield piece[skipped:]
                skipped = max(0, (skipped or 0) - len(piece))
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
        raise RetriableError("The file of a finished job: the connection broke.", code="reset") from None


def _skipped(response: requests.Response, start: int) -> int | None:
    """Bytes to leave out before what was asked for; None: nothing follows there."""
    status = response.status_code
    if status == 416:
        return None
    if status in GONE:
        raise FileGoneError(
            f"The file of a finished job: answered {status}; its address is no longer valid.", code=str(status)
        )
    if status >= 400:
        raise RetriableError(f"The file of a finished job: answered {status}.", code=str(status))
    return 0 if status == 206 else start  # some storages give the whole file whatever they are asked


def _session(url: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.proxies.update(requests.utils.get_environ_proxies(url))
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    return session
