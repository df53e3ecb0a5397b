"""An audience's folder on any fsspec file system: files that appear whole, and a manifest that announces them."""

import errno
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, BinaryIO, TypeVar

import fsspec
import orjson
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from include.errors import (
    AudienceflowError,
    AuthError,
    ConfigError,
    FatalError,
    LostAnswerError,
    QuotaError,
    RetriableError,
)
from include.http_client import LONGEST_QUOTA_WAIT
from include.limits import Limiter

MANIFEST = "manifest.json"
PIECE = 1 << 20  # bytes copied at once
THROTTLED = {errno.EBUSY, errno.EAGAIN}  # as s3fs and gcsfs translate SlowDown and 429
FOR_GOOD = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ENAMETOOLONG}
Result = TypeVar("Result")


class Root:
    """The file system behind a URL. Opened at its first use.

    :param shown: the URL without credentials, for people.
    """

    def __init__(
        self, url: str, storage_options: Mapping[str, Any], *, tries: int, limiter: Limiter | None = None
    ) -> None:
        self._url = url
        self._options = dict(storage_options)
        self._tries = tries
        self._limiter = limiter
        self.shown = url.rpartition("@")[2]

    @cached_property
    def _opened(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            return fsspec.core.url_to_fs(self._url, use_listings_cache=False, **self._options)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"The file drop's URL cannot be opened ({type(error).__name__}): is its file system "
                "installed, as s3fs for s3://? Is the protocol right?"
            ) from None

    def folder(self, name: str) -> "Folder":
        """A folder of that name, there or not."""
        return Folder(self, name)

    def probe(self) -> None:
        """Write a small file and delete it."""
        name = f".probe-{uuid.uuid4().hex}"
        self.put(name, b"")
        self.do("delete", lambda fs, root: fs.rm_file(f"{root}/{name}"))

    def put(self, path: str, content: bytes | BinaryIO) -> None:
        """Make a file appear whole: written beside its place, then renamed into it.

        :param content: of a file that is open here, all of it goes, bit by bit.
        :raises LostAnswerError: the renaming may have happened.
        """
        place, _, name = path.rpartition("/")
        part = f"{place}/.{name}.part" if place else f".{name}.part"

        def write(fs: fsspec.AbstractFileSystem, root: str) -> None:
            fs.makedirs(f"{root}/{place}".rstrip("/"), exist_ok=True)
            _write(fs, f"{root}/{part}", content)
            fs.mv(f"{root}/{part}", f"{root}/{path}")

        self.do("write", write, maybe=True)

    def read(self, path: str) -> bytes | None:
        """A file's content, None when there is none."""

        def read(fs: fsspec.AbstractFileSystem, root: str) -> bytes | None:
            try:
                return fs.cat_file(f"{root}/{path}")
            except FileNotFoundError:
                return None

        return self.do("read", read)

    def fetch(self, path: str, into: BinaryIO) -> bool:
        """Copy a file, bit by bit; False: there is none."""

        def copy(fs: fsspec.AbstractFileSystem, root: str) -> bool:
            into.seek(0)
            into.truncate()
            try:
                with fs.open(f"{root}/{path}", "rb") as source:
                    shutil.copyfileobj(source, into, PIECE)
            except FileNotFoundError:
                return False
            into.seek(0)
            return True

        return self.do("read", copy)

    def do(self, what: str, work: Callable[[fsspec.AbstractFileSystem, str], Result], *, maybe: bool = False) -> Result:
        """One operation, its errors sorted; a throttle is waited for and uses up no try.

        :param maybe: a connection that breaks leaves open whether it was done.
        """
        patient = Retrying(
            retry=retry_if_exception_type(QuotaError),
            stop=stop_after_delay(LONGEST_QUOTA_WAIT),
            wait=wait_random_exponential(multiplier=0.1, max=30),
            reraise=True,
        )
        again = Retrying(
            retry=retry_if_exception_type(RetriableError) & retry_if_not_exception_type(QuotaError),
            stop=stop_after_attempt(self._tries),
            wait=wait_random_exponential(multiplier=0.5, max=30),
            reraise=True,
        )
        return patient(again, self._once, what, work, maybe)

    def _once(self, what: str, work: Callable[[fsspec.AbstractFileSystem, str], Result], maybe: bool) -> Result:
        fs, root = self._opened
        if self._limiter is not None:
            self._limiter.wait(what, "")
        try:
            return work(fs, root.rstrip("/"))
        except OSError as error:
            raise classify(what, error, maybe=maybe) from None  # its text may quote a signed URL


def _write(fs: fsspec.AbstractFileSystem, path: str, content: bytes | BinaryIO) -> None:
    if isinstance(content, bytes):
        fs.pipe_file(path, content)
        return
    content.seek(0)
    with fs.open(path, "wb") as sink:
        shutil.copyfileobj(content, sink, PIECE)


def classify(what: str, error: OSError, *, maybe: bool) -> AudienceflowError:
    """The error table: by class and errno, as fsspec's file systems raise them."""
    code = errno.errorcode.get(error.errno or 0, type(error).__name__)
    told = f"file drop: {what} failed with {code}"
    if isinstance(error, PermissionError):
        return AuthError(f"{told}: the credentials or rights are refused; check the Airflow connection.", code=code)
    if error.errno in THROTTLED:
        return QuotaError(f"{told}: the store asks to slow down.", code=code)
    if error.errno in FOR_GOOD:
        return FatalError(f"{told}: make room, or correct the connection's URL.", code=code)
    kind = LostAnswerError if maybe else RetriableError
    return kind(f"{told}.", code=code)


class Folder:
    """One audience's folder."""

    def __init__(self, root: Root, name: str) -> None:
        self._root = root
        self.name = name

    def found(self) -> dict[str, Any] | None:
        """Its manifest; None: there is no folder, or nobody has announced anything in it."""
        content = self.read(MANIFEST)
        return None if content is None else orjson.loads(content)

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self._root.do("list", lambda fs, root: fs.exists(f"{root}/{self.name}/{name}"))

    def read(self, name: str) -> bytes | None:
        """A file of the folder, None when there is none."""
        return self._root.read(f"{self.name}/{name}")

    def fetch(self, name: str, into: BinaryIO) -> bool:
        """Copy a file of the folder, bit by bit; False: there is none. ``into`` stands at its beginning then."""
        return self._root.fetch(f"{self.name}/{name}", into)

    def put(self, name: str, content: bytes | BinaryIO) -> None:
        """Make a file of the folder appear whole."""
        self._root.put(f"{self.name}/{name}", content)

    def manifest(self) -> dict[str, Any]:
        """What has been announced.

        :raises LostAnswerError: the folder is gone; the next sync makes it again with everybody.
        """
        found = self.found()
        if found is None:
            raise LostAnswerError("file drop: the audience's folder is gone.", code="no_manifest")
        return found

    def announce(self, manifest: Mapping[str, Any]) -> None:
        """Replace the manifest."""
        self.put(MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))

    def drop(self, entry: Mapping[str, Any], content: bytes) -> None:
        """Write a file and announce it, unless it is a repeat of one nothing has come after."""
        manifest = self.manifest()
        if _is_repeat(entry, manifest["files"]):
            return
        self.put(entry["name"], content)
        self.announce({**manifest, "files": [*manifest["files"], entry]})

    def clear_unannounced(self) -> None:
        """Delete files of a sync that ended before it announced them; nobody else's."""
        announced = {one["name"] for one in self.manifest()["files"]}
        for name in self.names(""):
            if name.lstrip(".").startswith(f"{self.name}_") and name not in announced:
                self.delete(name)

    def names(self, below: str) -> list[str]:
        """Names of the files in the folder, or in one below it, in order."""

        def listed(fs: fsspec.AbstractFileSystem, root: str) -> list[str]:
            with suppress(FileNotFoundError):
                found = fs.ls(f"{root}/{self.name}/{below}".rstrip("/"), detail=True)
                return sorted(one["name"].rpartition("/")[2] for one in found if one["type"] == "file")
            return []

        return self._root.do("list", listed)

    def delete(self, name: str) -> None:
        """Delete a file of the folder; gone already is as good."""

        def delete(fs: fsspec.AbstractFileSystem, root: str) -> None:
            with suppress(FileNotFoundError):
                fs.rm_file(f"{root}/{self.name}/{name}")

        self._root.do("delete", delete)


def _is_repeat(entry: Mapping[str, Any], files: list[dict[str, Any]]) -> bool:
    """Whether the same people with the same values were announced before, and no other sync has told anything since.

    A sync that dies after announcing a batch and before writing it down is followed by one with the same batch. Within
    one sync nobody is told two things.
    """
    for number, before in enumerate(reversed(files)):
        if (before["operation"], before["sha256"]) == (entry["operation"], entry["sha256"]):
            since = {one["sync_id"] for one in files[len(files) - number :]}
            return not since or (None not in since and since <= {before["sync_id"], entry["sync_id"]})
    return False
