"""The files TikTok takes: a CSV of hashes with a header that names the columns, in a signed multipart form."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from urllib3 import encode_multipart_formdata

from include.destinations.base import Member

CALCULATE_TYPE = "MULTIPLE_TYPES"  # several identifiers a line; a file of one type would lose the other
COLUMNS = {"email": "Email_SHA256", "phone": "Phone_SHA256"}
FILE_NAME = "audience.csv"
_HASH = re.compile(r"[0-9a-f]{64}")

# The first file of an audience, which needs one: the hash of an address nobody can have (RFC 2606).
NOBODY = (",".join(COLUMNS.values()) + "\n" + hashlib.sha256(b"nobody@example.invalid").hexdigest() + ",\n").encode()


def is_sendable(member: Member) -> bool:
    """Whether each identifier is a SHA-256 in lower-case hex: the platform names no line that is not."""
    return bool(member.identifiers) and all(_HASH.fullmatch(one) for one in member.identifiers.values())


def content(members: Sequence[Member]) -> bytes:
    """One line a person: the hashes it has, an empty cell for one it has not, never the hash of nothing."""
    lines = [",".join(member.identifiers.get(column, "") for column in COLUMNS) for member in members]
    return "\n".join([",".join(COLUMNS.values()), *lines, ""]).encode()


def form(fields: Mapping[str, str], file: bytes) -> tuple[bytes, str]:
    """The form of an upload and its content type. The signature is the file's MD5, by which the platform checks it."""
    signature = hashlib.md5(file, usedforsecurity=False).hexdigest()
    parts = {
        **fields,
        "file_name": FILE_NAME,
        "file_signature": signature,
        "file": (FILE_NAME, file, "text/csv"),
    }
    return encode_multipart_formdata(parts)
