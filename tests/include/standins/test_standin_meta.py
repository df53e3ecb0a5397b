"""Meta: custom audiences, whom a row means, and upload sessions."""

import hashlib
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
import requests

from tests.standins import Standins


def sha(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


class Meta:
    """A plain caller of the Graph API; ``call`` returns the answer, whatever its status."""

    def __init__(self, standins: Standins) -> None:
        account = standins.account("meta")
        self.standins = standins
        self.account = f"/act_{account['account_id']}"
        self.token = account["token"]
        self.base = account["base_url"] + "/v25.0"
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self._sessions = 1000

    def call(self, method: str, path: str, json: Any = None, **params: Any) -> requests.Response:
        return requests.request(method, self.base + path, json=json, params=params, headers=self.headers, timeout=60)

    def audience(self, name: str = "vip") -> str:
        body = {"name": name, "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
        return "/" + self.call("POST", self.account + "/customaudiences", body).json()["id"]

    def send(
        self, method: str, audience: str, schema: Any, rows: list, edge: str = "users", session: dict | None = None
    ) -> requests.Response:
        self._sessions += 1
        session = session or {"session_id": self._sessions, "batch_seq": 1, "last_batch_flag": True}
        return self.call(
            method, f"{audience}/{edge}", {"session": session, "payload": {"schema": schema, "data": rows}}
        )

    def add(self, audience: str, *emails: str) -> dict:
        return self.send("POST", audience, ["EMAIL"], [[sha(one)] for one in emails]).json()

    def held(self, name: str = "vip") -> list[dict[str, str]]:
        return self.standins.members("meta")[name]


@pytest.fixture
def meta(empty_standins: Standins) -> Meta:
    return Meta(empty_standins)


def code(answer: requests.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["error"]["code"]


def test_no_token_and_a_wrong_one_are_refused_with_different_codes(meta: Meta) -> None:
    meta.headers = {}
    assert code(meta.call("GET", meta.account + "/customaudiences")) == (400, 104)
    assert meta.call("GET", meta.account + "/customaudiences", access_token=meta.token).json() == {"data": []}
    meta.headers = {"Authorization": "Bearer wrong"}
    assert code(meta.call("GET", meta.account + "/customaudiences")) == (401, 190)


def test_an_audience_needs_a_name_and_where_its_file_is_from(meta: Meta) -> None:
    path = meta.account + "/customaudiences"
    assert code(meta.call("POST", path, {"customer_file_source": "USER_PROVIDED_ONLY"})) == (400, 100)
    assert code(meta.call("POST", path, {"name": "x", "subtype": "CUSTOM"})) == (400, 100)
    assert code(meta.call("POST", "/act_1/customaudiences", {"name": "x"})) == (400, 100)


def test_a_listing_shows_ids_only_unless_fields_are_asked_for_and_pages_by_cursor(meta: Meta) -> None:
    made = {meta.audience("same name")[1:] for _ in range(5)}
    assert set(meta.call("GET", meta.account + "/customaudiences").json()["data"][0]) == {"id"}
    seen, after = [], {}
    while True:
        page = meta.call("GET", meta.account + "/customaudiences", fields="id,name", limit=2, **after).json()
        seen += page["data"]
        if "next" not in page["paging"]:
            break
        after = {"after": page["paging"]["cursors"]["after"]}
    assert {one["id"] for one in seen} == made
    assert [one["name"] for one in seen] == ["same name"] * 5


def test_a_field_that_does_not_exist_is_named(meta: Meta) -> None:
    answer = meta.call("GET", meta.audience(), fields="name,size")
    assert code(answer) == (400, 100)
    assert "nonexisting field (size)" in answer.json()["error"]["message"]


def test_rows_come_in_and_go_by_their_hashes(meta: Meta) -> None:
    audience = meta.audience()
    assert meta.add(audience, "a@x.example", "b@x.example")["num_received"] == 2
    meta.add(audience, "a@x.example")
    assert meta.held() == [{"EMAIL": sha("a@x.example")}, {"EMAIL": sha("b@x.example")}]
    removed = meta.send("DELETE", audience, ["EMAIL"], [[sha("a@x.example")]]).json()
    assert (removed["num_received"], removed["num_invalid_entries"]) == (1, 0)
    assert meta.held() == [{"EMAIL": sha("b@x.example")}]


def test_removing_by_a_wrong_hash_removes_nobody_and_looks_like_success(meta: Meta) -> None:
    audience = meta.audience()
    meta.add(audience, "a@x.example")
    answer = meta.send("DELETE", audience, ["EMAIL"], [[sha("A@x.example")], [sha(sha("a@x.example"))]])
    assert (answer.status_code, answer.json()["num_invalid_entries"]) == (200, 0)
    assert len(meta.held()) == 1


def test_a_household_with_one_phone_is_two_users(meta: Meta) -> None:
    audience, phone = meta.audience(), sha("4915112345678")
    both = [[sha("a@x.example"), phone], [sha("b@x.example"), phone]]
    meta.send("POST", audience, ["EMAIL", "PHONE"], both)
    meta.send("DELETE", audience, ["EMAIL", "PHONE"], both[:1])
    assert meta.held() == [{"EMAIL": sha("b@x.example"), "PHONE": phone}]


def test_a_row_with_the_phone_alone_means_everybody_who_carries_it(meta: Meta) -> None:
    audience, phone = meta.audience(), sha("4915112345678")
    meta.send("POST", audience, ["EMAIL", "PHONE"], [[sha("a@x.example"), phone], [sha("b@x.example"), phone]])
    meta.send("DELETE", audience, ["PHONE"], [[phone]])
    assert meta.held() == []


def test_a_new_address_without_a_removal_leaves_the_old_user_behind(meta: Meta) -> None:
    audience, phone = meta.audience(), sha("4915112345678")
    meta.send("POST", audience, ["EMAIL", "PHONE"], [[sha("old@x.example"), phone]])
    meta.send("POST", audience, ["EMAIL", "PHONE"], [[sha("new@x.example"), phone]])
    assert len(meta.held()) == 2


def test_a_row_that_adds_keys_is_the_same_user(meta: Meta) -> None:
    audience = meta.audience()
    meta.add(audience, "a@x.example")
    meta.send("POST", audience, ["EMAIL", "PHONE", "FN"], [[sha("a@x.example"), sha("49151"), ""]])
    assert meta.held() == [{"EMAIL": sha("a@x.example"), "PHONE": sha("49151")}]


def test_rows_with_names_alone_mean_who_has_all_of_them(meta: Meta) -> None:
    audience, row = meta.audience(), [sha("ann"), sha("lee"), sha("75001")]
    meta.send("POST", audience, ["FN", "LN", "ZIP"], [row])
    meta.send("DELETE", audience, ["FN", "LN"], [row[:2]])
    assert len(meta.held()) == 1
    meta.send("DELETE", audience, ["ZIP", "LN", "FN"], [row[::-1]])
    assert meta.held() == []


@pytest.mark.parametrize(
    "cell",
    [
        "a@x.example",
        sha("x").upper(),
        sha("x")[:-1],
        sha("x") + "0",
        sha(""),
        " " + sha("x"),
        12,
        None,
        hashlib.md5(b"x", usedforsecurity=False).hexdigest(),
    ],
)
def test_a_bad_row_is_counted_with_a_good_answer_and_not_taken(meta: Meta, cell: object) -> None:
    audience = meta.audience()
    answer = meta.send("POST", audience, ["EMAIL"], [[cell], [sha("good@x.example")], [""]])
    assert answer.status_code == 200
    assert (answer.json()["num_received"], answer.json()["num_invalid_entries"]) == (3, 2)
    assert meta.held() == [{"EMAIL": sha("good@x.example")}]


def test_device_and_external_ids_are_not_hashed(meta: Meta) -> None:
    audience = meta.audience()
    rows = [["c-1", "aebe52e7-03ee-455a-b3c4-e57283966239"], ["c-2", "AEBE52E7-03EE-455A-B3C4-E57283966239"]]
    assert meta.send("POST", audience, ["EXTERN_ID", "MADID"], rows).json()["num_invalid_entries"] == 1
    assert [one["EXTERN_ID"] for one in meta.held()] == ["c-1"]


@pytest.mark.parametrize(
    "payload",
    [
        {"schema": ["EMAIL", "NICKNAME"], "data": [[sha("a"), sha("b")]]},
        {"schema": ["EMAIL", "EMAIL"], "data": [[sha("a"), sha("b")]]},
        {"schema": ["EMAIL", "PHONE"], "data": [[sha("a")]]},
        {"schema": ["EMAIL"], "data": [sha("a")]},
        {"schema": ["EMAIL"], "data": [[sha("a")]] * 10_001},
        {"schema": ["EMAIL"], "data": [[sha("a")]], "hashed": True},
        {"data": []},
        "not an object",
    ],
)
def test_a_payload_that_makes_no_sense_is_refused_as_a_whole(meta: Meta, payload: object) -> None:
    audience = meta.audience()
    session = {"session_id": 1, "batch_seq": 1, "last_batch_flag": True}
    assert code(meta.call("POST", audience + "/users", {"session": session, "payload": payload})) == (400, 100)
    assert meta.held() == []


def test_ten_thousand_rows_are_taken_in_one_request(meta: Meta) -> None:
    audience = meta.audience()
    rows = [[sha(str(number))] for number in range(10_000)]
    assert meta.send("POST", audience, ["EMAIL"], rows).json()["num_received"] == 10_000
    assert (
        meta.call("GET", audience, fields="approximate_count_upper_bound").json()["approximate_count_upper_bound"]
        == 10_000
    )


def test_a_form_is_as_good_as_json(meta: Meta) -> None:
    audience = meta.audience()
    form = {
        "payload": orjson.dumps({"schema": ["EMAIL"], "data": [[sha("a@x.example")]]}).decode(),
        "session": '{"session_id": 5, "batch_seq": 1, "last_batch_flag": true}',
        "access_token": meta.token,
    }
    answer = requests.post(f"{meta.base}{audience}/users", data=form, timeout=30)
    assert answer.json()["session_id"] == "5"
    removed = requests.post(
        f"{meta.base}{audience}/users",
        timeout=30,
        data=urlencode(
            {**form, "method": "delete", "session": '{"session_id": 6, "batch_seq": 1, "last_batch_flag": true}'}
        ),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (removed.status_code, meta.held()) == (200, [])


def test_an_audience_does_not_mix_single_and_several_keys(meta: Meta) -> None:
    audience = meta.audience()
    meta.add(audience, "a@x.example")
    assert code(meta.send("POST", audience, "EMAIL_SHA256", [sha("b@x.example")])) == (400, 2650)
    single = meta.audience("single")
    assert meta.send("POST", single, "EMAIL_SHA256", [sha("b@x.example")]).json()["num_received"] == 1
    assert code(meta.send("POST", single, ["EMAIL"], [[sha("b@x.example")]])) == (400, 2650)


def batch(seq: int, *, id: int = 77, last: bool = False) -> dict:
    return {"session_id": id, "batch_seq": seq, "last_batch_flag": last, "estimated_num_total": 3}


def test_a_session_s_batches_rise_from_one_and_end(meta: Meta) -> None:
    audience = meta.audience()

    def send(session: dict, email: str) -> requests.Response:
        return meta.send("POST", audience, ["EMAIL"], [[sha(email)]], session=session)

    assert code(send(batch(2), "early")) == (400, 100)
    assert send(batch(1), "a").status_code == 200
    assert code(send(batch(3), "gap")) == (400, 100)
    assert send(batch(2, last=True), "b").status_code == 200
    assert code(send(batch(3), "late")) == (400, 100)
    assert [one["EMAIL"] for one in meta.held()] == [sha("a"), sha("b")]


def test_a_batch_that_is_sent_again_is_answered_again_and_applied_once(meta: Meta) -> None:
    audience = meta.audience()
    first = meta.send("POST", audience, ["EMAIL"], [[sha("a")], ["bad"]], session=batch(1))
    again = meta.send("POST", audience, ["EMAIL"], [[sha("a")], ["bad"]], session=batch(1))
    assert first.json() == again.json()
    meta.send("POST", audience, ["EMAIL"], [[sha("b")]], session=batch(2, last=True))
    (session,) = meta.call("GET", audience + "/sessions", session_id=77).json()["data"]
    assert (session["num_received"], session["num_invalid_entries"]) == ("3", "1")


def test_a_session_belongs_to_one_audience_and_one_kind_of_upload(meta: Meta) -> None:
    first, second = meta.audience("first"), meta.audience("second")
    meta.send("POST", first, ["EMAIL"], [[sha("a")]], session=batch(1))
    assert code(meta.send("POST", second, ["EMAIL"], [[sha("b")]], session=batch(2))) == (400, 100)
    assert code(meta.send("DELETE", first, ["EMAIL"], [[sha("a")]], session=batch(2))) == (400, 100)


def test_an_unfinished_session_is_closed_after_ninety_minutes(meta: Meta) -> None:
    audience = meta.audience()
    meta.send("POST", audience, ["EMAIL"], [[sha("a")]], session=batch(1))
    assert meta.call("GET", audience + "/sessions").json()["data"][0]["stage"] == "uploading"
    meta.standins.advance(91 * 60)
    assert code(meta.send("POST", audience, ["EMAIL"], [[sha("b")]], session=batch(2))) == (400, 100)


def test_a_session_is_worked_off_after_a_while_and_then_tells_how_many_matched(meta: Meta) -> None:
    audience = meta.audience()
    meta.add(audience, *(str(number) for number in range(100)))
    meta.standins.advance(5)
    (session,) = meta.call("GET", audience + "/sessions").json()["data"]
    assert (session["stage"], session["progress"], session["num_received"]) == ("complete", "100", "100")
    assert 50 < int(session["num_matched"]) < 90


def test_a_replace_that_breaks_off_leaves_the_audience_half_replaced(meta: Meta) -> None:
    audience = meta.audience()
    meta.add(audience, "old1", "old2")
    answer = meta.send("POST", audience, ["EMAIL"], [[sha("new")]], edge="usersreplace", session=batch(1))
    assert answer.status_code == 200
    assert meta.held() == [{"EMAIL": sha("new")}]


def test_terms_that_were_not_accepted_refuse_uploads_and_new_audiences(meta: Meta) -> None:
    audience = meta.audience()
    meta.standins.settings({"meta.terms_accepted": False})
    answer = meta.send("POST", audience, ["EMAIL"], [[sha("a")]])
    assert (code(answer), answer.json()["error"]["error_subcode"]) == ((403, 200), 1870034)
    assert meta.call("POST", meta.account + "/customaudiences", {"name": "x"}).status_code == 403
    assert meta.call("GET", meta.account + "/customaudiencestos").json() == {"data": []}


def test_a_flagged_audience_takes_no_changes(meta: Meta) -> None:
    audience = meta.audience()
    known = meta.standins.documents("meta", "audience")[audience[1:]]
    meta.standins.put("meta", "audience", {**known, "body": {**known["body"], "_flagged": True}})
    answer = meta.send("DELETE", audience, ["EMAIL"], [[sha("a")]])
    assert (code(answer), answer.json()["error"]["error_subcode"]) == ((400, 100), 1713230)
    assert meta.call("GET", audience, fields="operation_status").json()["operation_status"]["code"] == 471


def test_a_person_can_be_taken_out_of_every_audience(meta: Meta) -> None:
    first, second = meta.audience("first"), meta.audience("second")
    for audience in (first, second):
        meta.add(audience, "a@x.example", "b@x.example")
    payload = {"payload": {"schema": ["EMAIL"], "data": [[sha("a@x.example")]]}}
    assert meta.call("DELETE", meta.account + "/usersofanyaudience", payload).json()["num_received"] == 1
    assert [len(meta.held(name)) for name in ("first", "second")] == [1, 1]


def test_a_deleted_audience_is_gone_with_its_users(meta: Meta) -> None:
    audience = meta.audience()
    meta.add(audience, "a@x.example")
    assert meta.call("DELETE", audience).json() == {"success": True}
    assert code(meta.call("GET", audience)) == (400, 100)
    assert meta.standins.members("meta") == {}
