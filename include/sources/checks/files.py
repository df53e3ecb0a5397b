"""Drop folders: whether each can be opened. One that is not there is told: its files would be missed in silence."""

import fsspec

from include.destinations.base import Checked
from include.sources.files import Folders


def check(client: Folders) -> Checked:
    """List each folder once."""
    missing = tuple(problem for url in client.urls if (problem := _problem(url)))
    return Checked(f"{len(client.urls)} drop folders", limits={"folders": len(client.urls)}, missing=missing)


def _problem(url: str) -> str | None:
    shown = url.rpartition("@")[2]
    try:
        fs, root = fsspec.core.url_to_fs(url)
        fs.ls(root, detail=False)
    except (OSError, ImportError, ValueError) as error:
        return f"folder {shown} cannot be opened ({type(error).__name__}); make it, or take it out of the connection"
    return None
