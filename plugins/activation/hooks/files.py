"""Drop folders, from their Airflow connection."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.sources import files


class FilesHook(PlatformHook):
    """``files_default``: extra ``{"folders": ["/data/drops", "s3://bucket/till"]}``; any fsspec URL."""

    default_conn_name = "files_default"
    conn_type = "file_drops"
    hook_name = "File drops"

    @cached_property
    def client(self) -> Any:
        return files.client(self.setting("folders"))
