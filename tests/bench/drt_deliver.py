"""Runs in the peer's environment: drt-core sends the members of one query to the sink; prints seconds and rows."""

import json
import sys
import time
from pathlib import Path

from drt.config.models import SyncConfig
from drt.config.profiles import PostgresProfile
from drt.destinations.rest_api import RestApiDestination
from drt.engine.sync import run_sync
from drt.sources.postgres import PostgresSource

settings = json.loads(sys.stdin.read())
profile = PostgresProfile(type="postgres", **settings["postgres"])
sync = SyncConfig.model_validate({
    "name": "bench",
    "model": settings["query"],
    "destination": {
        "type": "rest_api",
        "url": settings["url"],
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "body_mode": "batch",
        "batch_template": '{"members": {{ rows | tojson }}}',
    },
    "sync": {"on_error": "fail", **settings["sync"]},
})  # fmt: skip
began = time.monotonic()
result = run_sync(sync, PostgresSource(), RestApiDestination(), profile, Path.cwd())
print(json.dumps({"seconds": time.monotonic() - began, "rows": result.success}))
