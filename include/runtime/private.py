"""What is private to one installation: made once, kept in files that only their owner may read.

Four parts of Airflow starting at once would each make their own; so they are made here, before anything runs.
"""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Secrets:
    """What Airflow signs and encrypts with, and the password of its one user.

    :param fernet_key: 32 bytes in URL-safe base64; losing it loses the connections kept in Airflow's database.
    """

    jwt_secret: str = field(repr=False)
    api_secret_key: str = field(repr=False)
    fernet_key: str = field(repr=False)
    admin_password: str = field(repr=False)


def keep(path: Path) -> Secrets:
    """The secrets in ``path``, made there when there are none."""
    if path.exists():
        return Secrets(**json.loads(path.read_text(encoding="utf-8")))
    made = Secrets(
        jwt_secret=secrets.token_urlsafe(64),
        api_secret_key=secrets.token_urlsafe(32),
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        admin_password=secrets.token_urlsafe(12),
    )
    write_private(path, json.dumps(asdict(made)))
    return made


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody but its owner may read, at no moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
