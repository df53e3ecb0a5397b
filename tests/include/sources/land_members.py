"""A landing in a process of its own, to be killed: ``python -m … WAREHOUSE SERVER UNTIL BATCH_ROWS``."""

import sys
from datetime import datetime

from include import landing, warehouse
from include.sources import mailchimp

if __name__ == "__main__":
    url, server, until, batch_rows = sys.argv[1:]
    with warehouse.connect(url) as conn:
        landing.land(conn, "mailchimp.members", mailchimp.client(server, "key", "list"),
                     until=datetime.fromisoformat(until), batch_rows=int(batch_rows))
