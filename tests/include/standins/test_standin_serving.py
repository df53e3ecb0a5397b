"""Faults, limits and the log, over real connections."""

import smtplib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from include.standins.server import open_store
from tests.standins import ROOT, Standins, running_standins


def hook(standins: Standins) -> str:
    return standins.url + "/slack/services/T000/B000/standin"


def texts(standins: Standins) -> list[str]:
    return [one["text"] for one in standins.alerts()["slack"]]


def ping(standins: Standins) -> requests.Response:
    account = standins.account("mailchimp")
    return requests.get(account["base_url"] + "/3.0/ping", auth=("any", account["token"]), timeout=30)


def test_a_reset_breaks_the_connection_and_nothing_is_applied(empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "slack", "kind": "reset", "next": 1})
    with pytest.raises(requests.ConnectionError):
        requests.post(hook(empty_standins), json={"text": "one"}, timeout=30)
    assert texts(empty_standins) == []
    assert requests.post(hook(empty_standins), json={"text": "two"}, timeout=30).text == "ok"


def test_a_lost_answer_was_applied(empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "slack", "kind": "lost_answer", "next": 1})
    with pytest.raises(requests.ConnectionError):
        requests.post(hook(empty_standins), json={"text": "one"}, timeout=30)
    assert texts(empty_standins) == ["one"]
    assert [(one.status, one.fault, one.applied) for one in empty_standins.recorded()] == [(None, "lost_answer", True)]


def test_half_an_answer_is_seen_as_broken(empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "slack", "kind": "half_answer", "next": 1})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.post(hook(empty_standins), json={"text": "one"}, timeout=30)
    assert texts(empty_standins) == ["one"]


def test_an_error_afterwards_was_applied_and_an_error_was_not(empty_standins: Standins) -> None:
    empty_standins.faults(
        {"platform": "slack", "kind": "error_after", "status": 504, "next": 1},
        {"platform": "slack", "kind": "error", "status": 502, "next": 1},
    )
    first = requests.post(hook(empty_standins), json={"text": "one"}, timeout=30)
    second = requests.post(hook(empty_standins), json={"text": "two"}, timeout=30)
    assert (first.status_code, second.status_code) == (504, 502)
    assert texts(empty_standins) == ["one"]


def test_a_throttle_speaks_the_platform_s_own_words(empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "*", "kind": "throttle", "seconds": 120})
    slack = requests.post(hook(empty_standins), json={"text": "one"}, timeout=30)
    assert (slack.status_code, slack.headers["Retry-After"], slack.text) == (429, "120", "rate_limited")
    mailchimp = ping(empty_standins)
    assert (mailchimp.status_code, mailchimp.json()["title"]) == (429, "Too Many Requests")
    assert mailchimp.headers["Content-Type"].startswith("application/problem+json")
    assert "Retry-After" not in mailchimp.headers
    meta = requests.get(empty_standins.url + "/meta/v25.0/1", timeout=30)
    assert (meta.status_code, meta.json()["error"]["code"]) == (400, 80003)
    assert '"estimated_time_to_regain_access":2' in meta.headers["X-Business-Use-Case-Usage"]


def test_an_expired_token_speaks_the_platform_s_own_words(empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "*", "kind": "expired_token"})
    assert (ping(empty_standins).status_code, ping(empty_standins).json()["title"]) == (401, "API Key Invalid")
    meta = requests.get(empty_standins.url + "/meta/v25.0/1", timeout=30)
    assert (meta.status_code, meta.json()["error"]["code"], meta.json()["error"]["error_subcode"]) == (401, 190, 463)


def test_mailchimp_refuses_the_eleventh_connection_at_once(empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "mailchimp", "kind": "latency", "seconds": 2.0})
    with ThreadPoolExecutor(14) as pool:
        answers = sorted(one.status_code for one in pool.map(lambda _: ping(empty_standins), range(14)))
    assert answers == [200] * 10 + [429] * 4
    empty_standins.faults()
    assert ping(empty_standins).status_code == 200


def test_every_request_is_in_the_log_whole_and_without_its_secret(empty_standins: Standins) -> None:
    account = empty_standins.account("mailchimp")
    requests.post(
        account["base_url"] + "/3.0/lists/x?skip_duplicate_check=true",
        data=b'{"members": []}',
        auth=("any", account["token"]),
        timeout=30,
    )
    (one,) = empty_standins.recorded("mailchimp")
    assert (one.method, one.path, one.query) == ("POST", "/mailchimp/3.0/lists/x", "skip_duplicate_check=true")
    assert (one.json(), one.status, one.answer_json()["title"]) == ({"members": []}, 404, "Resource Not Found")
    assert "authorization" not in {name.lower() for name in one.headers}


def test_a_hundred_requests_at_once_are_all_answered_and_recorded(empty_standins: Standins) -> None:
    base = empty_standins.url + "/meta/v25.0/"
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda n: requests.get(base + str(n), timeout=60).status_code, range(100)))
    assert answers == [400] * 100
    assert sorted(int(one.path.rpartition("/")[2]) for one in empty_standins.recorded("meta")) == list(range(100))


def test_a_mail_is_kept_with_its_subject_and_text(empty_standins: Standins) -> None:
    with smtplib.SMTP("127.0.0.1", empty_standins.smtp_port) as mail:
        mail.sendmail("alerts@af.example", ["oncall@af.example"], "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nheld: 3\n")
    assert empty_standins.alerts()["mail"] == [
        {"from": "alerts@af.example", "to": ["oncall@af.example"], "subject": "Grüße", "text": "held: 3\r\n"}
    ]


@pytest.mark.parametrize(
    ("payload", "status", "word"),
    [
        ({"text": "hello"}, 200, "ok"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]}, 200, "ok"),
        ({}, 400, "no_text"),
        ({"blocks": [{}]}, 400, "invalid_blocks"),
        (["text"], 400, "invalid_payload"),
    ],
)
def test_slack_takes_text_or_blocks_and_names_what_is_wrong(
    empty_standins: Standins, payload: object, status: int, word: str
) -> None:
    answer = requests.post(hook(empty_standins), json=payload, timeout=30)
    assert (answer.status_code, answer.text) == (status, word)


def test_slack_does_not_know_another_hook(empty_standins: Standins) -> None:
    answer = requests.post(hook(empty_standins) + "x", json={"text": "hello"}, timeout=30)
    assert (answer.status_code, answer.text) == (404, "no_service")


def test_slack_throttles_a_flood_until_time_has_passed(empty_standins: Standins) -> None:
    answers = [requests.post(hook(empty_standins), json={"text": "x"}, timeout=30) for _ in range(21)]
    assert [one.status_code for one in answers] == [200] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    empty_standins.advance(30)
    assert requests.post(hook(empty_standins), json={"text": "x"}, timeout=30).status_code == 200


def test_a_plan_with_a_mistake_is_refused_and_the_old_one_stays(empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "slack", "kind": "error"})
    with pytest.raises(requests.HTTPError, match="422"):
        empty_standins.faults({"platform": "slack", "kind": "errror"})
    assert [one["kind"] for one in empty_standins.fault_state()] == ["error"]


def test_a_second_start_on_the_same_folder_has_what_the_first_left(tmp_path: Path) -> None:
    with running_standins(tmp_path, platforms=("slack",)) as first:
        requests.post(hook(first), json={"text": "kept"}, timeout=30)
    assert first.process.returncode == 0
    with running_standins(tmp_path, platforms=("slack",)) as second:
        assert texts(second) == ["kept"]
        second.process.terminate()
        assert second.process.wait(15) == 0


def test_a_taken_port_ends_the_start_with_an_error(empty_standins: Standins, tmp_path: Path) -> None:
    port = empty_standins.url.rpartition(":")[2]
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "include.standins.server",
            "--folder",
            str(tmp_path),
            "--port",
            port,
            "--platforms",
            "slack",
            "--customers",
            "0",
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode != 0
    assert b"Address already in use" in ended.stderr


def test_a_platform_that_came_since_gets_its_account_in_an_older_store(tmp_path: Path) -> None:
    older = open_store(tmp_path, customers=0, seed=1, platforms=("mailchimp", "meta"))
    older.set_setting("mailchimp.account", {"list_id": "its own"})
    older.close()
    newer = open_store(tmp_path, customers=0, seed=1, platforms=("mailchimp", "meta", "brevo"))
    accounts = [newer.get_setting(f"{name}.account") for name in ("mailchimp", "brevo")]
    newer.close()
    assert accounts == [{"list_id": "its own"}, {}]
