"""File drops: CSV, Parquet and compressed files of one or more folders (local or any fsspec URL), read in a stream.

A mapping (``*.yaml`` beside this module, or beside the data, where it wins) is chosen by the file's name and says what
its columns mean. A file is landed once: the stream's cursor remembers size, time and hash of each, so that a file that
comes again under another name is known, and one that changed is landed again. A file that no mapping fits is named in
the log and in the cursor under ``skipped``. A file that is deleted takes nothing back.
"""

import hashlib
import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from gzip import BadGzipFile
from lzma import LZMAError
from pathlib import PurePosixPath
from typing import Any
from zipfile import BadZipFile

import fsspec
from fsspec import AbstractFileSystem
from pyarrow.lib import ArrowException

from include.errors import ConfigError, RetriableError
from include.sources.files import reading
from include.sources.files.mappings import FileMapping, built_in, choose, read
from include.sources.pages import Page, Row, Window

log = logging.getLogger(__name__)
HASH_BYTES = 1 << 20
DAMAGED = (EOFError, BadGzipFile, BadZipFile, LZMAError, zlib.error, ArrowException)
STAMPS = ("mtime", "LastModified", "last_modified", "updated", "created", "ETag", "etag")  # as stores call them
UNFINISHED = (".part", ".tmp", ".crdownload", "~")


@dataclass(frozen=True)
class Folders:
    """Where files are dropped: paths or fsspec URLs."""

    urls: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    """A file of a folder. ``name``: folder and path below it, as it stands in keys and payloads."""

    fs: AbstractFileSystem
    path: str
    name: str
    stamp: str


def client(folders: Sequence[str] | str) -> Folders:
    """The drop folders; nothing is opened yet."""
    return Folders((folders,) if isinstance(folders, str) else tuple(folders))


def orders(client: Folders, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the lines of new and changed files of orders; see `_pages`."""
    return _pages(client, window, "files.orders")


def persons(client: Folders, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the lines of new and changed files of persons; see `_pages`."""
    return _pages(client, window, "files.persons")


def _pages(client: Folders, window: Window, stream: str) -> Iterator[Page]:
    """Yield 5,000 rows a page, file by file, oldest file first; after each file reading can be resumed.

    A payload is the line as an object, values as text (Parquet: typed), with ``_file``, ``_line`` and ``_mapping``
    beside. The key is file and line, or the mapping's key columns.

    :raises ConfigError: a folder is missing, a mapping is wrong, a file is damaged or lacks a column its mapping reads.
    :raises RetriableError: a file changed while it was read, or its store did not give it.
    """
    found = sorted((file for url in client.urls for file in _files(url)), key=lambda file: (file.stamp, file.name))
    mappings = (*_own(found), *built_in())
    known: dict[str, Any] = dict(window.state.get("files", {}))
    skipped = [file.name for file in found if _is_data(file) and choose(mappings, _base(file)) is None]
    for name in skipped:
        log.warning("%s: no mapping fits %s; put a .yaml beside it that does.", stream, name)
    state = {"since": window.until.isoformat(), "skipped": skipped,
             "mappings": {one.name: one.parameters for one in _own(found) if one.stream == stream}}
    for file in found:
        mapping = choose(mappings, _base(file)) if _is_data(file) else None
        if mapping is not None and mapping.stream == stream and known.get(file.name, {}).get("stamp") != file.stamp:
            yield from _land(file, mapping, known, state)
    yield Page([], {**state, "files": known})


def _land(file: _Found, mapping: FileMapping, known: dict[str, Any], state: Mapping[str, Any]) -> Iterator[Page]:
    digest, before = _digest(file), known.get(file.name, {})
    copy = next((one for one in known.values() if one["sha256"] == digest), None)
    if copy is not None and (not before or before["sha256"] == digest):  # one that became another's copy lost its lines
        log.info("%s: known already, by its content.", file.name)
        known[file.name] = {**copy, "stamp": file.stamp}
        return
    last = 0
    try:
        for rows, last in _read(file, mapping):  # noqa: B007 (the last one is what is left)
            yield Page(rows)
    except DAMAGED as error:  # not chained: a reader's text may quote the file
        _still_the_same(file)
        raise ConfigError(f"{file.name} cannot be read ({type(error).__name__}): it is damaged or cut off; drop it "
                          "again, whole.") from None
    except OSError as error:
        raise RetriableError(f"{file.name}: its store did not give it ({type(error).__name__}).",
                             code="store") from None
    _still_the_same(file)
    if not mapping.key:
        yield from (Page(rows) for rows in reading.vanished(file.name, mapping, last + 1, before.get("lines", 0)))
    known[file.name] = {"stamp": file.stamp, "sha256": digest, "lines": last, "mapping": mapping.name}
    yield Page([], {**state, "files": dict(known)})


def _still_the_same(file: _Found) -> None:
    if _stamp(file.fs.info(file.path)) != file.stamp:
        raise RetriableError(f"{file.name} changed while it was read; the next try reads it again.", code="changed")


def _read(file: _Found, mapping: FileMapping) -> Iterator[tuple[list[Row], int]]:
    if reading.is_parquet(file.path):
        with file.fs.open(file.path, "rb") as binary:
            yield from reading.parquet_pages(file.name, binary, mapping)
    else:
        with file.fs.open(file.path, "rt", compression="infer", encoding=mapping.encoding, errors="surrogateescape",
                          newline="") as text:
            yield from reading.pages(file.name, text, mapping)


def _files(url: str) -> Iterator[_Found]:
    fs, root = fsspec.core.url_to_fs(url)
    if not fs.exists(root):
        raise ConfigError(f"The drop folder {url} does not exist; correct `folders` in the connection files_default.")
    fs.invalidate_cache(root)
    base = PurePosixPath(root)
    for path, info in fs.find(root, detail=True).items():
        below = PurePosixPath(path).relative_to(base) if path != root else PurePosixPath(base.name)
        yield _Found(fs, path, f"{base.name}/{below}", _stamp(info))


def _stamp(info: Mapping[str, Any]) -> str:
    """Time and size; a store that keeps no time has a tag of the content instead."""
    changed = next((info[name] for name in STAMPS if info.get(name)), "")
    if isinstance(changed, datetime):  # some stores list a time as a number and tell it as a date
        changed = changed.timestamp()
    return f"{changed}/{info.get('size')}"


def _own(found: Sequence[_Found]) -> tuple[FileMapping, ...]:
    """The mappings that lie beside the data."""
    return tuple(read(file.name, file.fs.cat_file(file.path).decode()) for file in found
                 if _base(file).endswith((".yaml", ".yml")))


def _is_data(file: _Found) -> bool:
    name = _base(file)
    return not name.startswith(".") and not name.endswith((*UNFINISHED, ".yaml", ".yml"))


def _base(file: _Found) -> str:
    return PurePosixPath(file.path).name


def _digest(file: _Found) -> str:
    found = hashlib.sha256()
    with file.fs.open(file.path, "rb") as binary:
        while chunk := binary.read(HASH_BYTES):
            found.update(chunk)
    return found.hexdigest()
