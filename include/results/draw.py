"""Write the pages: after each check its own, the suite's and the index; or all of them anew."""

from dataclasses import asdict
from datetime import UTC, datetime

import psycopg

from include import warehouse
from include.results import pages, records
from include.results.records import Run
from include.results.store import PageFolder
from include.task_run import TaskKey

INDEX = "index.html"


def draw_newest(
    conn: psycopg.Connection, folder: PageFolder, suite: str, *, stream: str, owner: str, key: TaskKey, link: str | None
) -> str | None:
    """Give the suite's newest check its page and bring the suite's page and the index up to date. Commits.

    :param key: the try of a task that checked; ``link``: Airflow's page of it.
    :returns: the page's path below the folder; None when nothing was checked since the last page.
    :raises RetriableError: the folder cannot be written; the next check, or `draw_all`, makes up for it.
    """
    path = register(conn, suite, stream=stream, owner=owner, key=key, link=link)
    if path is None:
        return None
    with conn.transaction():
        _one_at_a_time(conn)
        runs, at = records.history(conn, suite)[suite], datetime.now(UTC)
        newest = next(run for run in runs if run.path == path)
        folder.write(path, pages.run_page(newest, records.rules(conn, newest), at))
        _write_suite(conn, folder, runs, at)
        folder.write(INDEX, pages.index_page(list(records.history(conn).values()), at))
    return path


def register(
    conn: psycopg.Connection, suite: str, *, stream: str, owner: str, key: TaskKey, link: str | None
) -> str | None:
    """Write down that the suite's newest check has a page, and where; None when it had one already. Commits."""
    values = {**asdict(key), "suite": suite, "stream": stream, "owner": owner, "link": link}
    made = warehouse.rows(conn, "results/register", values)
    conn.commit()
    return made[0]["path"] if made else None


def draw_all(conn: psycopg.Connection, folder: PageFolder, *, most: int = records.RUNS) -> int:
    """Draw every page anew, as for another folder; return how many. Commits.

    :param most: checks of each suite, the newest first.
    """
    at, drawn = datetime.now(UTC), 0
    with conn.transaction():
        _one_at_a_time(conn)
        for runs in records.history(conn, most=most).values():
            for run in runs:
                folder.write(run.path, pages.run_page(run, records.rules(conn, run), at))
                drawn += 1
        suites = records.history(conn)
        for runs in suites.values():
            _write_suite(conn, folder, runs, at)
        folder.write(INDEX, pages.index_page(list(suites.values()), at))
    return drawn + len(suites) + 1


def forget(conn: psycopg.Connection, folder: PageFolder, *, before: datetime) -> int:
    """Delete pages of checks made before a moment, but each suite's newest; return how many. Commits."""
    with conn.transaction():
        gone = [row["path"] for row in warehouse.rows(conn, "results/forget", {"before": before})]
        for path in gone:
            folder.delete(path)
    return len(gone)


def page_of(conn: psycopg.Connection, key: TaskKey) -> str | None:
    """The path of the page that a task of a run made last; None: it made none."""
    found = warehouse.rows(conn, "results/page_of_try", asdict(key))
    conn.commit()
    return found[0]["path"] if found else None


def _write_suite(conn: psycopg.Connection, folder: PageFolder, runs: list[Run], at: datetime) -> None:
    rules = records.rule_history(conn, runs[0].suite)
    folder.write(f"{runs[0].suite}/{INDEX}", pages.suite_page(runs, rules, at))


def _one_at_a_time(conn: psycopg.Connection) -> None:
    """Else an index drawn from an older state could replace one from a newer."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended('results.pages', 0))")
