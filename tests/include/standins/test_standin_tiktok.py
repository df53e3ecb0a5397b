"""TikTok: signed files, one change of an audience at a time, what its history tells; and what the SDK declares."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests

from include.standins.tiktok_files import NOBODY
from tests.conformance import check_openapi
from tests.standins import Standins

PREFIX = "/tiktok"
STRUCK_OUT = ("[Mm]issing required header parameter: Access-Token",)  # before a request is recorded
EMAIL, PHONE, MULTIPLE = "EMAIL_SHA256", "PHONE_SHA256", "MULTIPLE_TYPES"


def sha(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


class TikTok:
    """A plain caller; ``call`` returns the envelope, which says more than the status."""

    def __init__(self, standins: Standins) -> None:
        account = standins.account("tiktok")
        self.standins = standins
        self.advertiser = account["advertiser_id"]
        self.base = account["base_url"] + "/open_api/v1.3/dmp/custom_audience"
        self.headers = {"Access-Token": account["token"]}

    def call(self, method: str, path: str, json: Any = None, **params: Any) -> dict[str, Any]:
        if method == "GET":
            params = {"advertiser_id": self.advertiser, **params}
        elif json is not None:
            json = {"advertiser_id": self.advertiser, **json}
        answer = requests.request(method, self.base + path, json=json, params=params, headers=self.headers, timeout=60)
        assert answer.status_code == 200
        return answer.json()

    def upload(self, content: bytes, kind: str = EMAIL, name: str = "people.csv", **fields: str) -> dict[str, Any]:
        signature = hashlib.md5(content, usedforsecurity=False).hexdigest()
        form = {"advertiser_id": self.advertiser, "calculate_type": kind, "file_signature": signature, **fields}
        answer = requests.post(
            self.base + "/file/upload/", data=form, files={"file": (name, content)}, headers=self.headers, timeout=60
        )
        return answer.json()

    def path(self, *people: str, kind: str = EMAIL) -> str:
        return self.upload("\n".join(map(sha, people)).encode(), kind)["data"]["file_path"]

    def audience(self, *people: str, name: str = "vip", kind: str = EMAIL) -> str:
        """An audience of these, worked off."""
        body = {"custom_audience_name": name, "calculate_type": kind, "file_paths": [self.path(*people, kind=kind)]}
        made = self.call("POST", "/create/", body)
        self.standins.advance(60)
        return made["data"]["custom_audience_id"]

    def change(self, audience: str, action: str | None, *people: str) -> dict[str, Any]:
        body = {"custom_audience_id": audience, "file_paths": [self.path(*people)]}
        return self.call("POST", "/update/", {**body, **({"action": action} if action else {})})

    def read(self, audience: str) -> dict[str, Any]:
        return self.call("GET", "/get/", custom_audience_ids=f'["{audience}"]', history_size=50)["data"]["list"][0]

    def held(self, name: str = "vip") -> list[dict[str, str]]:
        return self.standins.members("tiktok")[name]


@pytest.fixture
def tiktok(empty_standins: Standins) -> TikTok:
    empty_standins.settings({"tiktok.minimum_size": 0})
    return TikTok(empty_standins)


def emails(*people: str) -> list[dict[str, str]]:
    return sorted(({"EMAIL": sha(one)} for one in people), key=str)


def test_a_change_is_worked_off_later_and_told_by_the_history(tiktok: TikTok) -> None:
    vip = tiktok.audience("a", "b")
    assert tiktok.change(vip, "APPEND", "b", "c")["code"] == 0
    assert sorted(tiktok.held(), key=str) == emails("a", "b")
    assert tiktok.read(vip)["audience_details"]["msg"] == "The audience is being calculated"
    tiktok.standins.advance(60)
    assert tiktok.change(vip, "REMOVE", "a", "nobody")["code"] == 0
    tiktok.standins.advance(60)
    assert sorted(tiktok.held(), key=str) == emails("b", "c")
    history = tiktok.read(vip)["audience_history"]
    assert [(one["action"], one["msg"]) for one in history] == [("Remove", ""), ("Append", ""), ("Create", "")]


def test_an_update_without_an_action_replaces_everybody(tiktok: TikTok) -> None:
    vip = tiktok.audience("a", "b")
    tiktok.change(vip, None, "c")
    tiktok.standins.advance(60)
    assert tiktok.held() == emails("c")


def test_one_change_of_an_audience_at_a_time(tiktok: TikTok) -> None:
    vip = tiktok.audience("a")
    assert tiktok.change(vip, "APPEND", "b")["code"] == 0
    assert tiktok.change(vip, "APPEND", "c")["code"] == 40913
    tiktok.standins.advance(60)
    assert tiktok.change(vip, "APPEND", "c")["code"] == 0


def test_a_change_that_would_leave_too_few_fails_and_says_so(tiktok: TikTok) -> None:
    vip = tiktok.audience(*(str(number) for number in range(1001)))
    tiktok.standins.settings({"tiktok.minimum_size": 1000})
    assert tiktok.read(vip)["audience_details"]["error_msg"] == ""
    tiktok.change(vip, "REMOVE", "1", "2")
    tiktok.standins.advance(60)
    assert "smaller than the minimum" in tiktok.read(vip)["audience_details"]["error_msg"]
    assert len(tiktok.held()) == 1001
    tiktok.change(vip, "REMOVE", "1")
    tiktok.standins.advance(60)
    assert tiktok.read(vip)["audience_details"]["error_msg"] == ""
    assert len(tiktok.held()) == 1000


def test_lines_that_are_no_hash_are_counted_and_not_named(tiktok: TikTok) -> None:
    vip = tiktok.audience("a")
    content = "\n".join(["Email_SHA256", sha("b"), "no hash", sha(""), sha("c").upper(), sha("d")]).encode()
    path = tiktok.upload(content)["data"]["file_path"]
    tiktok.call("POST", "/update/", {"custom_audience_id": vip, "action": "APPEND", "file_paths": [path]})
    tiktok.standins.advance(60)
    assert tiktok.read(vip)["audience_history"][0]["msg"] == "3 rows of the file could not be parsed"
    assert sorted(tiktok.held(), key=str) == emails("a", "b", "d")


def test_several_identifiers_a_line_are_held_each_by_itself(tiktok: TikTok) -> None:
    content = f"Email_SHA256,Phone_SHA256\n{sha('a')},{sha('+1')}\n,{sha('+2')}\n{NOBODY},\n".encode()
    path = tiktok.upload(content, MULTIPLE)["data"]["file_path"]
    tiktok.call("POST", "/create/", {"custom_audience_name": "m", "calculate_type": MULTIPLE, "file_paths": [path]})
    tiktok.standins.advance(60)
    assert sorted(tiktok.held("m"), key=str) == sorted(
        [{"EMAIL": sha("a")}, {"PHONE": sha("+1")}, {"PHONE": sha("+2")}], key=str
    )


@pytest.mark.parametrize(
    ("content", "arguments", "code"),
    [
        (b"x", {"file_signature": "0" * 32}, 40002),
        (b"x", {"name": "people.xlsx"}, 40908),
        (b" \n", {}, 40002),
        (b"Phone_SHA256\nx", {}, 40002),
        (b"no header\nx", {"kind": MULTIPLE}, 40002),
        (b"x", {"kind": "EMAIL"}, 40002),
        (b"x", {"retention": "1"}, 40002),
        (b"x", {"advertiser_id": "1"}, 40001),
    ],
)
def test_a_file_is_refused(tiktok: TikTok, content: bytes, arguments: dict[str, str], code: int) -> None:
    assert tiktok.upload(content, **arguments)["code"] == code


def test_files_of_another_type_or_advertiser_are_refused(tiktok: TikTok) -> None:
    vip = tiktok.audience("a")
    phones = tiktok.path("+1", kind=PHONE)
    for paths in ([phones], ["elsewhere.csv"], [], [tiktok.path("b")] * 51):
        body = {"custom_audience_id": vip, "action": "APPEND", "file_paths": paths}
        assert tiktok.call("POST", "/update/", body)["code"] == 40002


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/update/", {"custom_audience_id": "1", "act": "APPEND"}, 40002),
        ("POST", "/update/", {"custom_audience_id": "1"}, 40007),
        ("POST", "/create/", {"custom_audience_name": "x"}, 40002),
        ("GET", "/get/?custom_audience_ids=1", None, 40002),
        ("GET", '/get/?custom_audience_ids=["9"]', None, 40007),
        ("GET", "/list/?page_size=101", None, 40002),
        ("GET", "/list/?filtering=x", None, 40002),
        ("GET", "/update/", None, 40002),
        ("GET", "/nothing/", None, 40007),
    ],
)
def test_a_call_is_refused(tiktok: TikTok, method: str, path: str, body: Any, code: int) -> None:
    assert tiktok.call(method, path, body)["code"] == code


def test_a_missing_and_a_wrong_token_have_codes_of_their_own(tiktok: TikTok) -> None:
    tiktok.headers = {}
    assert tiktok.call("GET", "/list/")["code"] == 40104
    tiktok.headers = {"Access-Token": "other"}
    assert tiktok.call("GET", "/list/")["code"] == 40105


def test_an_app_makes_ten_calls_a_second(tiktok: TikTok) -> None:
    codes = [tiktok.call("GET", "/list/")["code"] for _ in range(40)]
    assert codes[:10] == [0] * 10
    assert set(codes) <= {0, 40100}  # on a slow machine ten calls take more than a second


def test_the_stand_in_keeps_to_what_the_sdk_declares(tiktok: TikTok, vendor_specs: str) -> None:
    vip = tiktok.audience("a", "b")
    tiktok.change(vip, "APPEND", "c")
    tiktok.change(vip, "APPEND", "d")
    tiktok.read(vip)
    tiktok.call("GET", "/list/", page=1, page_size=100)
    tiktok.call("GET", "/apply/log/", custom_audience_ids=f'["{vip}"]')
    tiktok.standins.advance(60)
    tiktok.call("POST", "/update/", {"custom_audience_id": vip, "custom_audience_name": "vips"})
    tiktok.call("POST", "/delete/", {"custom_audience_ids": [vip]})
    tiktok.standins.faults({"platform": "tiktok", "kind": "throttle"})
    assert tiktok.call("GET", "/list/")["code"] == 40100
    recorded = tiktok.standins.recorded("tiktok")
    assert {one.status for one in recorded} == {200}
    spec = Path(vendor_specs) / "tiktok/tiktok-custom-audience.derived.openapi.json"
    assert check_openapi(spec, recorded, PREFIX, allowed=STRUCK_OUT) == []
    assert not any("standin" in str(one.headers) for one in recorded)
