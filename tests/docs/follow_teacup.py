"""What the how-to ends with, in a process of its own: ``python follow_teacup.py WAREHOUSE SERVER UNTIL``."""

import json
import runpy
import sys
from datetime import datetime

from include import landing, load_estimate, publishing, quality, warehouse
from include.sources import registry, teacup

if __name__ == "__main__":
    url, server, until = sys.argv[1:]
    warehouse.migrate(url)
    stream = registry.stream("teacup.members")
    with warehouse.connect(url) as conn:
        landed = landing.land(conn, stream.name, teacup.client(server, "key"), until=datetime.fromisoformat(until))
        checked = quality.check_stream(conn, url, stream)
        published = publishing.publish_stream(conn, stream)
        conn.commit()
        [expected] = load_estimate.newest(conn, stream.name)
        staged = conn.execute(
            "select record_key, email, first_name, city, ids ->> 'loyalty', consent_email"
            " from staging.teacup_members order by length(record_key), record_key"
        ).fetchall()
    declared = runpy.run_path("dags/extract_teacup.py")["extract_teacup"]()
    from activation.hooks.registry import HOOKS

    print(json.dumps({
        "landed": landed.rows, "checked": checked.records, "quarantined": published.quarantined,
        "expected": expected.records, "staged": staged, "tasks": sorted(declared.task_ids),
        "hook": HOOKS["teacup"].__name__}))
