"""The whole system, started once for a small merchant: everything in, everything out, nothing twice, nothing left.

The days happen once, in the fixture ``story``; each test looks at what was recorded. What must be in an audience is
computed by tests/oracle.py from the merchant's truth alone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import canaries, oracle
from tests.read_again import ReadAgain, read_again
from tests.system_chapters import LivedIn
from tests.system_processes import make, still_running, taken
from tests.system_seen import HOLDING, Asked, Bought, Looked, Step, alerts_of
from tests.what_was_sent import addresses_sent, everything_sent, hashes_sent

pytestmark = pytest.mark.timeout(1500)
CUSTOMERS = "300"
BROKEN_TASK = "extract_hubspot.check_contacts"
EMPTY_HASH = oracle.sha256("")
BUILT_ON_EXTRACTS = {
    "build_persons",
    "build_segments",
    "sync_brevo",
    "sync_google",
    "sync_google_conversions",
    "sync_hubspot",
    "sync_klaviyo",
    "sync_mailchimp",
    "sync_meta",
    "sync_tiktok",
}


@dataclass(frozen=True)
class Story:
    """The steps in their order: a first run, nothing new, a day of changes, a broken source twice, its repair.

    :param asked: then a removal waits for a person, who approves it.
    :param bought: then some who are to be won back buy.
    :param again: at last two sources are read again for days of which rows were lost.
    """

    first: Step
    second: Step
    day_two: Step
    broken: Step
    broken_again: Step
    repaired: Step
    asked: Asked
    bought: Bought
    looked: Looked
    again: ReadAgain
    told: Mapping[str, str]
    held: list[str]
    ran: list[str]
    left: list[str]
    ports_taken: list[int]
    postgres_is_down: bool

    @property
    def steps(self) -> tuple[Step, ...]:
        return (self.first, self.second, self.day_two, self.broken, self.broken_again, self.repaired)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A system that `make up` has started and `make down` has stopped; stopped even when a step fails."""
    home = tmp_path_factory.mktemp("system")
    try:
        started = make("up", home, CUSTOMERS=CUSTOMERS)
        assert started.returncode == 0, started.stdout[-3000:] + started.stderr[-3000:]
        yield _live(LivedIn(home), home)
    finally:
        make("down", home)


def _live(system: LivedIn, home: Path) -> Story:
    token, leaders = system.leaders()
    canaries.plant(system.standins, home / "standins" / "drops")
    first, second, day_two = system.run(), system.run(), system.run(DAY="2")
    before = system.empty_the_addresses()
    broken = system.run()
    system.wait_for_alerts(1, of=BROKEN_TASK)
    broken_again = system.run()
    system.repair(before)
    repaired = system.run()
    system.wait_for_alerts(2, of=BROKEN_TASK)
    asked, bought = system.ask_and_approve(), system.buy_again()
    looked, held = system.look_around(), system.streams_with_held_rows()
    again = read_again(system)
    ran, ports = still_running(token, leaders), system.ports
    told, alerts = dict(system.told()), system.standins.alerts()
    make("down", home)
    return Story(
        first,
        second,
        day_two,
        broken,
        broken_again,
        Step(**{**repaired.__dict__, "alerts": alerts}),
        asked,
        bought,
        looked,
        again,
        told,
        held,
        ran,
        still_running(token, leaders),
        taken(ports),
        not (home / "postgres" / "data" / "postmaster.pid").exists(),
    )


def but_for_the_source(members: Mapping[str, Any]) -> dict[str, Any]:
    """Without HubSpot, whose contacts have just lost their addresses; that nobody wrote there is asserted beside it."""
    return {platform: held for platform, held in members.items() if platform != "hubspot"}


def changes(step: Step) -> dict[str, tuple[int, int]]:
    """By ``platform audience``, people added and removed by a run, at the platforms that `tests.oracle` knows."""
    return {
        f"{one['destination']} {one['audience']}": (one["added"], one["removed"])
        for one in step.report["audiences"]
        if one["destination"] in HOLDING
    }


def wanted_changes(before: Step, after: Step) -> dict[str, tuple[int, int]]:
    """By ``platform audience``, people that must be added and removed between two runs, by the truth alone."""
    was, is_now = oracle.expected(before.truth, before.as_of), oracle.expected(after.truth, after.as_of)
    return {
        f"{platform} {audience}": (len(members - was[platform][audience]), len(was[platform][audience] - members))
        for platform, audiences in is_now.items()
        for audience, members in audiences.items()
    }


def personal(truth: Mapping[str, Any]) -> set[str]:
    """Every address, phone number and full name the merchant knows, and the hashes of the first two."""
    found: set[str] = set()
    for rows in truth["streams"].values():
        for row in rows:
            if email := row["ids"].get("email"):
                found |= {email, oracle.sha256(email)}
            if phone := row["ids"].get("phone"):
                found |= {phone.removeprefix("+"), oracle.sha256(phone.removeprefix("+"))}
            traits = row.get("t", {})
            if traits.get("first_name") and traits.get("last_name"):
                found.add(f"{traits['first_name']} {traits['last_name']}")
    return found


def surnames(truth: Mapping[str, Any]) -> set[str]:
    """Family names that are no word of a log: those with seven letters or more."""
    names = {row.get("t", {}).get("last_name") for rows in truth["streams"].values() for row in rows}
    return {name for name in names if name and len(name) >= 7}


def found_in(text: str, truth: Mapping[str, Any]) -> int:
    """How many personal values a text holds, as they are or as JSON escapes them; the values are not told."""
    values = {form for one in personal(truth) for form in (one, json.dumps(one)[1:-1])}
    words = set(re.findall(r"\w+", text))
    return sum(value in text for value in values) + len(surnames(truth) & words)


def test_a_first_run_holds_and_every_audience_is_what_the_truth_says(story: Story) -> None:
    first = story.first
    assert (first.code, first.report["ok"]) == (0, True), first.words
    assert list(first.report["stages"]) == ["extract", "persons", "segments", "sync"]
    landed = {stream["stream"] for stream in first.report["extracted"] if stream["landed"]}
    assert landed >= {"hubspot.contacts", "shopify.customers", "shopify.orders", "mailchimp.members", "files.orders"}
    assert max(task["peak_mb"] for task in first.report["tasks"]) < 1024
    assert sum(added for added, _ in changes(first).values()) > 100
    assert oracle.differences(first.truth, first.members, first.as_of) == {}


def test_a_second_run_delivers_nothing_and_asks_no_destination_to_change_anything(story: Story) -> None:
    second = story.second
    assert (second.code, second.report["ok"]) == (0, True), second.words
    # Our own tags moved the members' time of change at the platform, and contacts that we made are new there: they
    # alone are read again, and change nothing.
    landed = {stream["stream"] for stream in second.report["extracted"] if stream["landed"]}
    assert landed <= {"mailchimp.members", "hubspot.contacts", "brevo.contacts", "klaviyo.profiles"}
    assert changes(second) == wanted_changes(story.first, second)
    if second.as_of == story.first.as_of:  # else people left and entered segments at midnight
        assert sum(one["added"] + one["updated"] + one["removed"] for one in second.report["audiences"]) == 0
        assert [(one.platform, one.method, one.path) for one in second.written()] == []
        assert second.members == story.first.members


def test_a_day_of_changes_delivers_exactly_the_difference(story: Story) -> None:
    before, after = story.second, story.day_two
    assert (after.code, after.report["ok"]) == (0, True), after.words
    assert oracle.differences(after.truth, after.members, after.as_of) == {}
    wanted = wanted_changes(before, after)
    assert changes(after) == wanted
    assert sum(map(sum, wanted.values())) > 0


def test_a_critical_failure_stops_the_chain_before_anything_is_built_or_sent(story: Story) -> None:
    for step in (story.broken, story.broken_again):
        assert (step.code, step.report["ok"]) == (1, False)
        assert step.failed_tasks == ("extract_hubspot.check_contacts",)
        assert "emails_vanished" in step.report["failure"]
        assert BUILT_ON_EXTRACTS & set(step.dag_runs) == set()
        assert [one.path for one in step.written()] == []
        assert [one.path for one in step.requests if one.platform == "meta" or "/segments" in one.path] == []
        assert but_for_the_source(step.members) == but_for_the_source(story.day_two.members)


def test_a_failure_is_told_once_and_its_end_once_without_a_personal_value(story: Story) -> None:
    repaired = story.repaired
    assert (repaired.code, repaired.report["ok"]) == (0, True), repaired.words
    subject, told = BROKEN_TASK, alerts_of(repaired.alerts, BROKEN_TASK)
    mails, messages = told["mail"], told["slack"]
    assert [mail["subject"] for mail in mails] == [
        f"[audienceflow] FAILING: {subject}",
        f"[audienceflow] RECOVERED: {subject}",
    ]
    assert [message["text"].split("\n")[0] for message in messages] == [
        f"*FAILING: {subject}*",
        f"*RECOVERED: {subject}*",
    ]
    assert "emails_vanished" in mails[0]["text"]
    assert found_in(json.dumps(repaired.alerts, ensure_ascii=False), repaired.truth) == 0


def test_people_left_out_are_seen_at_a_glance_in_every_run_and_told_once(story: Story) -> None:
    squares = [(state, words) for task, state, words in story.asked.syncs if task == "show_partial"]
    assert {state for state, _ in squares} == {"skipped"}  # pink, also when nobody was refused anew
    assert len(squares) > 3
    assert all("refused" in words for _, words in squares)
    assert {state for task, state, _ in story.asked.syncs if task == "sync"} == {"success"}
    told: dict[str, list[str]] = {}
    for mail in alerts_of(story.repaired.alerts, ": audience mailchimp")["mail"]:
        kind, _, audience = mail["subject"].partition(": ")
        told.setdefault(audience, []).append(kind.removeprefix("[audienceflow] "))
    assert told
    turns = ["FAILING", "RECOVERED"] * len(story.steps)
    assert [kinds for kinds in told.values() if kinds != turns[: len(kinds)]] == []


def test_a_removal_that_waits_is_shown_to_a_person_in_airflow_and_goes_when_they_say_so(story: Story) -> None:
    asked = story.asked
    assert asked.held
    assert "1 of " in asked.question["body"]
    assert "older than 48 hours" in asked.question["body"]
    assert found_in(asked.question["body"], story.repaired.truth) == 0
    [(task, state, words), sync] = asked.shown
    assert (task, state, sync[:2]) == ("show_partial", "skipped", ("sync", "success"))
    assert "1 removals waiting for approval" in words
    assert asked.audit == [("admin", "hold approved", "a campaign ended")]
    held = [mail["subject"].split(": ")[0] for mail in alerts_of(story.repaired.alerts, "hold meta")["mail"]]
    assert held == ["[audienceflow] FAILING", "[audienceflow] RECOVERED"]


def test_who_bought_leaves_the_win_back_audience_within_minutes_without_a_night(story: Story) -> None:
    bought = story.bought
    assert bought.left == bought.people == 5
    assert bought.seconds < 180  # and up to 120 until the next look at the orders: five minutes in all
    assert bought.again == "skipped", "without an order nothing is built"


def test_nobody_is_sent_anywhere_without_a_yes_at_that_time(story: Story) -> None:
    for step in story.steps:
        said, everybody = oracle.consents(step.truth), oracle.persons(step.truth)
        readers = [one for one in everybody if oracle.agrees(one, "email", said)]
        allowed = {value for one in readers for kind, value in one.identifiers if kind == "email"}
        assert len(addresses_sent(list(step.requests)) - allowed) == 0
        shown = [one for one in everybody if oracle.agrees(one, "ads", said)]
        hashes = {
            kind: {"", *(oracle.sha256(v.removeprefix("+")) for one in shown for k, v in one.identifiers if k == kind)}
            for kind in ("email", "phone")
        }
        strangers = [
            1 for mail, phone in hashes_sent(list(step.requests))
            if mail not in hashes["email"] or phone not in hashes["phone"] or not mail + phone
        ]  # fmt: skip
        assert strangers == []
    assert len(addresses_sent(list(story.first.requests))) > 50
    assert len(hashes_sent(list(story.first.requests))) > 50


def test_the_hash_of_nothing_is_never_sent(story: Story) -> None:
    assert [step for step in story.steps if EMPTY_HASH in everything_sent(list(step.requests))] == []


def test_no_log_no_xcom_and_no_table_of_ops_holds_a_personal_value(story: Story) -> None:
    assert {where for where in story.told if where.startswith("airflow")} != set()
    assert {where for where in story.told if where.startswith("ops.")} >= {"ops.quarantine", "ops.task_run"}
    holding = {where: count for where, text in story.told.items() if (count := found_in(text, story.repaired.truth))}
    assert holding == {}


def test_canaries_in_rows_that_break_a_rule_are_found_nowhere_outside_the_data_tables(story: Story) -> None:
    assert set(story.held) >= set(canaries.STREAMS)  # each of them was really set aside
    places = {where.partition(" ")[0].partition("/")[0] for where in story.told}
    assert places >= {"airflow's", "airflow", "logs", "results", "alerts", "report.json", "ops.quarantine"}
    assert canaries.sightings(story.told.items()) == {}
    sent = [(f"request {one.id}", everything_sent([one])) for step in story.steps for one in step.requests]
    assert canaries.sightings(sent) == {}


def test_every_connection_is_checked_and_every_step_watched_in_a_live_airflow(story: Story) -> None:
    looked = story.looked
    states = {task: state for task, state, _ in looked.checks}
    assert [task for task, state in states.items() if state != "success"] == []
    assert looked.watched == [("watch", "success", None), ("watch_streams", "success", None)]
    assert {state for *_, state, _ in looked.asked} == {"ok"}, looked.asked
    assert {role for role, *_ in looked.asked} == {"source", "destination"}
    assert [problems for *_, problems in looked.asked if problems] == []


def test_a_backfill_asks_for_exactly_its_days_lands_what_was_lost_once_and_moves_no_cursor(story: Story) -> None:
    again = story.again
    assert len({key.partition(":")[1] for key in again.lost}) == 2, "visits and orders were lost"
    assert {window[:3] for window in again.windows} == set(again.asked)
    assert len(again.windows) == len(again.asked)
    assert sum(rows for *_, rows in again.windows) == len(again.lost)
    before, after = again.here
    assert after == before
    assert again.cursors[0] == again.cursors[1]


def test_what_a_backfill_brings_back_is_sent_to_nobody_twice(story: Story) -> None:
    (before, day), (after, same_day) = story.again.sent
    assert before > 0
    if day == same_day:  # else people left and entered segments at midnight
        assert after == before


def test_a_failed_check_leads_to_its_page_behind_the_login_and_so_do_the_alerts(story: Story) -> None:
    looked = story.looked
    assert looked.link.endswith(f"/quality/{looked.page}")
    answers = {who: answer.status_code for who, answer in looked.web.items()}
    assert answers == {"nobody": 401, "a person": 307, "logged in": 200, "outside": 404}
    assert "/auth/login?next=" in looked.web["a person"].headers["Location"]
    page = looked.web["logged in"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "emails_vanished" in page.text
    told = alerts_of(story.repaired.alerts, BROKEN_TASK)
    assert [one["type"] for one in told["webhook"]] == ["alert.opened", "alert.recovered"]
    first = story.looked.page.partition("/")[0]
    assert f"/quality/{first}/" in told["mail"][0]["text"]
    assert f"/quality/{first}/" in told["slack"][0]["text"]
    assert told["webhook"][0]["data"]["airflow_url"].endswith("/tasks/check_contacts?try_number=1")


def test_after_the_stop_nothing_is_left_running_and_every_port_is_free(story: Story) -> None:
    assert len(story.ran) > 5
    assert (story.left, story.ports_taken, story.postgres_is_down) == ([], [], True)
