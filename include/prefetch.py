"""Fetch the next page while the current one is worked on: one thread, one page ahead."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()
_LOOK_AROUND = 0.5  # seconds after which a waiting thread looks whether anybody still wants its page


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


@contextmanager
def prefetched(items: Iterator[Item]) -> Generator[Iterator[Item]]:
    """Iterate ``items`` in a thread of its own, at most one item ahead of who asks.

    An error of the iterator is raised where its item would have been. Leaving the block early ends the thread after
    the item it is fetching.
    """
    queue: Queue[Any] = Queue(maxsize=1)
    stop = Event()
    thread = Thread(target=_fetch, args=(items, queue, stop), name="prefetch", daemon=True)
    thread.start()
    try:
        yield _taken(queue, thread)
    finally:
        stop.set()
        thread.join(timeout=1)


def _fetch(items: Iterator[Any], queue: Queue[Any], stop: Event) -> None:
    try:
        for item in items:
            if not _offer(queue, item, stop):
                return
        _offer(queue, _END, stop)
    except BaseException as error:  # noqa: BLE001 (crosses the thread: raised again where the item is asked for)
        _offer(queue, _Failure(error), stop)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


def _offer(queue: Queue[Any], item: Any, stop: Event) -> bool:
    while not stop.is_set():
        try:
            queue.put(item, timeout=_LOOK_AROUND)
            return True
        except Full:
            continue
    return False


def _taken(queue: Queue[Any], thread: Thread) -> Iterator[Any]:
    while True:
        try:
            item = queue.get(timeout=_LOOK_AROUND)
        except Empty:
            if not thread.is_alive() and queue.empty():
                raise RuntimeError("The thread that fetches pages died without a word.") from None
            continue
        if item is _END:
            return
        if isinstance(item, _Failure):
            raise item.error
        yield item
