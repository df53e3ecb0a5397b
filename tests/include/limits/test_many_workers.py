"""Four processes on one account, against a stand-in that holds its limits; the truth is in the stand-in's log."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from include.connection_lease import ConnectionLease
from include.mailchimp_api import CONNECTIONS
from include.shared_limiter import SharedLimiter
from include.sources import mailchimp
from include.warehouse_session import WarehouseSession
from tests.standins import ROOT, Standins

MOST, SECONDS = 24, 4.0  # the limit of the account: large enough that a late wake-up of a busy machine tells little
TIMES = 4
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


def worker(*arguments: str, **options: object) -> subprocess.Popen:
    """``tests/include/limits/worker.py`` in a process of its own."""
    command = [sys.executable, "-m", "tests.include.limits.worker", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, **options)


def four_workers(warehouse_url: str, standins: Standins) -> float:
    """Let four workers read at once; hold what they did against the limit, and return the share of it they used."""
    account = standins.account("hubspot")
    standins.forget_requests()
    running = [
        worker("read", warehouse_url, account["base_url"], account["token"], str(TIMES), skew, **PIPES)
        for skew in ("0", "0", "-7200", "86400")
    ]
    assert [one.stdout.readline() for one in running] == [b"ready\n"] * 4
    for one in running:
        one.stdin.write(b"begin\n")
        one.stdin.flush()
    assert [one.wait(120) for one in running] == [0, 0, 0, 0]
    recorded = standins.recorded("hubspot")
    assert {one.status for one in recorded} == {200}, "no call was refused"
    calls = sorted(one.at for one in recorded)
    assert max(sum(begin <= at < begin + SECONDS for at in calls) for begin in calls) <= MOST
    waits = [later - call for call, later in zip(calls, calls[MOST:], strict=False)]  # until its place is used again
    assert len(waits) >= MOST, "every place was used twice"
    return SECONDS / (sum(waits) / len(waits))


def test_two_dags_and_four_workers_never_pass_the_limit_together_and_use_nine_tenths_of_it(
    warehouse_url: str, standins: Standins
) -> None:
    """Two syncs on one account trip its limit together where each process counts for itself.

    The workers' clocks are hours apart: only Postgres' clock counts. The share is a matter of tens of milliseconds that
    a busy machine takes away, so one of three tries shows it. The limit must hold in each.
    """
    standins.settings({"hubspot.limit": [MOST, SECONDS]})
    shares: list[float] = []
    while not shares or (shares[-1] < 0.9 and len(shares) < 3):
        shares.append(four_workers(warehouse_url, standins))
    assert shares[-1] >= 0.9


def test_the_connections_of_a_killed_worker_come_back(warehouse_url: str) -> None:
    account, most = "mailchimp us1", 3
    holder = worker("hold", warehouse_url, account, str(most), **PIPES)
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.communicate(timeout=10)
    session = WarehouseSession(warehouse_url, "test")
    lease, begun = ConnectionLease(session, account, most, seconds=1.5), time.monotonic()
    for _ in range(most):
        lease.enter()
    assert 0.3 < time.monotonic() - begun < 5.0, "they were held until the lease ran out, and no longer"
    lease.close()
    session.close()


def test_an_extraction_and_a_sync_together_keep_to_the_account_s_ten_connections(
    warehouse_url: str, empty_standins: Standins
) -> None:
    """Mailchimp refuses the eleventh call at once, whoever makes it."""
    account = empty_standins.account("mailchimp")
    empty_standins.faults({"platform": "mailchimp", "kind": "latency", "seconds": 0.05})
    limiters = [SharedLimiter(warehouse_url, "mailchimp us1", (), CONNECTIONS) for _ in range(2)]
    clients = [mailchimp.client(**account, limiter=limiter) for limiter in limiters]
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(lambda n: clients[n % 2].request("GET", f"/lists/{account['list_id']}/members"), range(200)))
    for limiter in limiters:
        limiter.close()
    assert [one.status for one in empty_standins.recorded("mailchimp")] == [200] * 200
