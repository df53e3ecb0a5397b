"""A folder that audiences are dropped in, from its Airflow connection."""

from functools import cached_property

from activation.hooks.platform import PlatformHook
from include.destinations.file_drop import FileDropDestination
from include.errors import ConfigError


class FileDropHook(PlatformHook):
    """
    ``file_drop_default``: host the fsspec URL, as ``file:///data/audiences`` or ``s3://bucket/audiences``.

    Extra, if the file system needs it: ``{"storage_options": {"key": "…", "secret": "…"}}``.
    """

    default_conn_name = "file_drop_default"
    conn_type = "file_drop"
    hook_name = "File Drop"

    @cached_property
    def destination(self) -> FileDropDestination:
        conn = self.get_connection(self.conn_id)
        if "://" not in (conn.host or ""):
            raise ConfigError(f"Connection {self.conn_id!r}: put the folder's URL into host, as file:///data/audiences.")
        return FileDropDestination(conn.host, conn.extra_dejson.get("storage_options"))
