"""The folder of pages: any fsspec URL, so that workers on several machines and the web server share one."""

from contextlib import suppress
from functools import cached_property
from pathlib import PurePosixPath

import fsspec

from include.errors import ConfigError, RetriableError


class PageFolder:
    """Pages by their path below a folder. Opened at its first use; a page appears whole.

    :param url: a folder of this machine, or any fsspec URL (``s3://bucket/results`` with s3fs installed).
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _opened(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            fs, root = fsspec.core.url_to_fs(self._url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"The folder of result pages cannot be opened ({type(error).__name__}): correct result_pages, or "
                "install its file system, as s3fs for s3://."
            ) from None
        return fs, root.rstrip("/")

    def write(self, path: str, text: str) -> None:
        """Make a page appear, or replace it.

        :raises RetriableError: the folder cannot be written.
        """
        fs, root = self._opened
        place, _, name = f"{root}/{path}".rpartition("/")
        try:
            fs.makedirs(place, exist_ok=True)
            fs.pipe_file(f"{place}/.{name}.part", text.encode())
            fs.mv(f"{place}/.{name}.part", f"{place}/{name}")
        except OSError as error:
            raise RetriableError(f"result pages: the folder cannot be written ({type(error).__name__}).") from None

    def read(self, path: str) -> bytes | None:
        """A page; None when there is none, also for a path that leads out of the folder."""
        parts = PurePosixPath(path).parts
        if not path.endswith(".html") or path.startswith("/") or any(part.startswith(".") for part in parts):
            return None
        fs, root = self._opened
        try:
            return fs.cat_file(f"{root}/{path}")
        except OSError:
            return None

    def delete(self, path: str) -> None:
        """Delete a page; gone already is as good."""
        fs, root = self._opened
        with suppress(FileNotFoundError):
            fs.rm_file(f"{root}/{path}")
