"""The ports of the parts: chosen free at the first start, kept for bookmarks and BI tools as long as they stay free."""

import json
import socket
from contextlib import ExitStack
from pathlib import Path

NAMES = ("postgres", "airflow", "standins", "smtp", "worker_log", "trigger_log")


def choose(record: Path) -> dict[str, int]:
    """Ports by name: those of ``record`` that nobody took meanwhile, free ones for the rest; written back.

    Call it only while the parts are stopped: a running part's port counts as taken.
    """
    kept = read(record)
    ports: dict[str, int] = {}
    with ExitStack() as held:  # all are held at once, so that two names never get one port
        for name in NAMES:
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past connections in TIME_WAIT do not count
            try:
                probe.bind(("127.0.0.1", kept.get(name, 0)))
            except OSError:
                probe = held.enter_context(socket.socket())
                probe.bind(("127.0.0.1", 0))
            ports[name] = probe.getsockname()[1]
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(ports, indent=2) + "\n", encoding="utf-8")
    return ports


def read(record: Path) -> dict[str, int]:
    """The ports of the last start, empty when there was none."""
    if not record.exists():
        return {}
    return {name: int(port) for name, port in json.loads(record.read_text(encoding="utf-8")).items() if name in NAMES}
