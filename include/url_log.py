"""What urllib3 logs of a call at debug level: the whole URL, whose query, and at some platforms path, names people."""

import logging
import re

_NAMING = re.compile(r"[^/]*(@|%40)[^/]*|[0-9a-f]{32}|[0-9a-f]{64}", re.IGNORECASE)  # an address, or a hash of one


class NamesNobody(logging.Filter):
    """Lets every record through, its URLs without query and without whatever in their path names a person."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(masked(one) if isinstance(one, str) and "/" in one else one for one in record.args)
        return True


def masked(url: str) -> str:
    """``/contacts/ann%40x.example?a=b`` → ``/contacts/…``."""
    return "/".join("…" if _NAMING.fullmatch(part) else part for part in url.partition("?")[0].split("/"))


def install() -> None:
    """Put the filter in front of urllib3's log. To be called once a process or often."""
    log = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(one, NamesNobody) for one in log.filters):
        log.addFilter(NamesNobody())
