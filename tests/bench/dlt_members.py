"""The same list by dlt's REST source into Postgres. ``python dlt_members.py URL DATABASE_URL FOLDER``."""

import sys
import time

import dlt
from dlt.sources.rest_api import rest_api_source

url, database, folder = sys.argv[1:4]
source = rest_api_source({
    "client": {"base_url": f"{url}/3.0/"},
    "resources": [{
        "name": "members",
        "endpoint": {"path": "lists/bench/members", "data_selector": "members",
                     "paginator": {"type": "offset", "limit": 1000, "limit_param": "count",
                                   "total_path": "total_items"}},
    }],
})
pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=dlt.destinations.postgres(database),
                        dataset_name="dlt_bench")
begun = time.perf_counter()
pipeline.run(source)
print(time.perf_counter() - begun)
