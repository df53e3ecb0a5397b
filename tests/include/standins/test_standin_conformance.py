"""Stand-ins against the vendors' specifications; and that the checkers find what is wrong."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from include.standins.request_log import Recorded
from tests.conformance import check_openapi
from tests.conformance_graph import check_graph
from tests.include.standins.mailchimp_caller import Mailchimp
from tests.include.standins.test_standin_meta import Meta, batch, sha
from tests.standins import Standins

PREFIX = "/mailchimp/3.0"


@pytest.fixture
def mailchimp_spec(vendor_specs: str) -> Path:
    return Path(vendor_specs) / "mailchimp/mailchimp-marketing-3.0.openapi.json"


@pytest.fixture
def meta_specs(vendor_specs: str) -> Path:
    return Path(vendor_specs) / "meta"


def use_mailchimp(mailchimp: Mailchimp) -> None:
    """Every endpoint once, good and refused."""
    mailchimp.call("GET", "/ping")
    mailchimp.call("GET", "/lists", count=1)
    mailchimp.call("GET", mailchimp.list)
    mailchimp.call("GET", "/lists/nope")
    mailchimp.call("POST", mailchimp.list + "/merge-fields", {"name": "Tier", "type": "text", "tag": "TIER"})
    mailchimp.call("GET", mailchimp.list + "/merge-fields", count=100)
    mailchimp.put("a@x.example", merge_fields={"FNAME": "Ann", "TIER": "gold"}, language="fr", vip=True)
    mailchimp.call("POST", mailchimp.list + "/members", {"email_address": "b@x.example", "status": "subscribed"})
    mailchimp.call("PATCH", mailchimp.member("b@x.example"), {"status": "unsubscribed"})
    mailchimp.batch(
        {"email_address": "c@x.example", "status": "subscribed"},
        {"email_address": "broken"},
        {"email_address": "b@x.example", "status": "cleaned"},
        update_existing=True,
    )
    mailchimp.call(
        "GET",
        mailchimp.list + "/members",
        count=100,
        since_last_changed="2020-01-01T00:00:00+00:00",
        sort_field="last_changed",
        sort_dir="ASC",
    )
    mailchimp.call("GET", mailchimp.member("a@x.example"))
    mailchimp.call("GET", mailchimp.member("nobody@x.example"))
    mailchimp.call("POST", mailchimp.member("a@x.example") + "/tags", {"tags": [{"name": "vip", "status": "active"}]})
    mailchimp.call("GET", mailchimp.member("a@x.example") + "/tags")
    segment = mailchimp.segment("lapsed", "a@x.example")
    mailchimp.call("POST", segment, {"members_to_add": ["c@x.example"], "members_to_remove": ["a@x.example"]})
    mailchimp.call("GET", segment)
    mailchimp.call("PATCH", segment, {"name": "lapsed buyers"})
    mailchimp.call("GET", segment + "/members", include_unsubscribed="true")
    mailchimp.call("POST", segment + "/members", {"email_address": "a@x.example"})
    mailchimp.call("DELETE", segment + "/members/" + mailchimp.member("a@x.example").rpartition("/")[2])
    mailchimp.call("GET", mailchimp.list + "/segments", count=100, type="static")
    mailchimp.call("GET", mailchimp.list + "/tag-search", name="v")
    mailchimp.call("DELETE", segment)
    taken = mailchimp.call("POST", "/batches", {"operations": [{"method": "GET", "path": "/ping"}]}).json()
    mailchimp.call("GET", f"/batches/{taken['id']}")
    mailchimp.call("GET", "/batches")
    mailchimp.call("DELETE", f"/batches/{taken['id']}")
    mailchimp.call("DELETE", mailchimp.member("a@x.example"))
    mailchimp.call("POST", mailchimp.member("a@x.example") + "/actions/delete-permanent")


def test_mailchimp_s_stand_in_keeps_to_the_vendor_s_openapi_file(
    empty_standins: Standins, mailchimp_spec: Path
) -> None:
    use_mailchimp(Mailchimp(empty_standins))
    empty_standins.faults({"platform": "mailchimp", "kind": "throttle"})
    Mailchimp(empty_standins).call("GET", "/ping")
    recorded = empty_standins.recorded("mailchimp")
    assert {one.status for one in recorded} == {200, 204, 404, 429}
    assert check_openapi(mailchimp_spec, recorded, PREFIX) == []


def test_reports_of_the_merchant_keep_to_the_vendor_s_openapi_file(standins: Standins, mailchimp_spec: Path) -> None:
    mailchimp = Mailchimp(standins)
    campaigns = mailchimp.call("GET", "/campaigns", count=1000, status="sent", since_send_time="2020-01-01T00:00:00Z")
    for one in campaigns.json()["campaigns"]:
        mailchimp.call("GET", f"/reports/{one['id']}/email-activity", count=1000, since="2020-01-01T00:00:00Z")
    mailchimp.call("GET", "/reports", count=1000)
    mailchimp.call("GET", f"/reports/{campaigns.json()['campaigns'][0]['id']}")
    mailchimp.call("GET", mailchimp.list + "/members", count=1000)
    mailchimp.call("GET", "/lists")
    recorded = standins.recorded("mailchimp")
    assert {one.status for one in recorded} == {200}
    assert check_openapi(mailchimp_spec, recorded, PREFIX) == []


def recorded(method: str, path: str, body: object = None, answer: object = None, **facts: object) -> Recorded:
    known = {
        "query": "",
        "headers": {"content-type": "application/json"},
        "status": 200 if answer is not None else None,
        "answer": None if answer is None else orjson.dumps(answer),
        "answer_headers": {"content-type": "application/json"},
        **facts,
    }
    return Recorded(
        at=0,
        seconds=0,
        platform="p",
        method=method,
        path=path,
        body=b"" if body is None else orjson.dumps(body),
        **known,
    )


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (
            recorded("GET", PREFIX + "/lists/l/members", query="sincelastchanged=x"),
            "'sincelastchanged' is not declared",
        ),
        (recorded("GET", PREFIX + "/lists/l/members", query="status=gone"), "'gone' is not one of"),
        (recorded("GET", PREFIX + "/lists/l/members", query="count=many"), "Failed to cast"),
        (recorded("GET", PREFIX + "/list/l/members"), "no such operation"),
        (recorded("GET", "/elsewhere/lists"), "does not begin with"),
        (
            recorded("PUT", PREFIX + "/lists/l/members/h", {"email_address": "a"}),
            "'status_if_new' is a required property",
        ),
        (
            recorded(
                "PUT",
                PREFIX + "/lists/l/members/h",
                {"email_address": "a", "status_if_new": "subscribed", "fname": "A"},
            ),
            "request: field fname is not declared",
        ),
        (recorded("POST", PREFIX + "/lists/l", {"members": [{"emailaddress": "a"}]}), "members[].emailaddress"),
        (recorded("POST", PREFIX + "/lists/l", {"members": {}}), "is not of type 'array'"),
        (recorded("GET", PREFIX + "/ping", answer={"health": "ok"}), "answer: field health is not declared"),
        (recorded("GET", PREFIX + "/lists/l/members", answer={"members": [{"id": 5}]}), "5 is not of type 'string'"),
        (recorded("GET", PREFIX + "/ping", answer={}, answer_headers={"content-type": "text/html"}), "text/html"),
        (recorded("GET", PREFIX + "/ping", status=204, answer=b"".decode(), answer_headers={}), "answer"),
    ],
)
def test_the_openapi_check_finds(mailchimp_spec: Path, wrong: Recorded, word: str) -> None:
    found = check_openapi(mailchimp_spec, [wrong], PREFIX)
    assert any(word in line for line in found), found
    assert check_openapi(mailchimp_spec, [wrong], PREFIX, allowed=[".*"]) == []


def use_meta(meta: Meta) -> None:
    audience = meta.audience("vip")
    meta.call("GET", meta.account + "/customaudiences", fields="id,name,operation_status,delivery_status", limit=100)
    meta.send("POST", audience, ["EMAIL", "PHONE"], [[sha("a"), ""], ["bad", ""]], session=batch(1))
    meta.send("POST", audience, ["EMAIL", "PHONE"], [[sha("b"), ""]], session=batch(2, last=True))
    meta.send("DELETE", audience, ["EMAIL"], [[sha("a")]])
    meta.send("POST", audience, ["EMAIL"], [[sha("c")]], edge="usersreplace", session=batch(1, id=5, last=True))
    meta.call("DELETE", meta.account + "/usersofanyaudience", {"payload": {"schema": ["EMAIL"], "data": [[sha("a")]]}})
    meta.call("GET", audience + "/sessions", session_id=77)
    meta.call("GET", audience, fields="id,name,approximate_count_lower_bound,time_updated,data_source")
    meta.call("POST", audience, {"name": "vips"})
    meta.call("GET", meta.account + "/customaudiencestos")
    meta.send("POST", audience, ["NICKNAME"], [["x"]])
    meta.call("DELETE", audience)


def test_meta_s_stand_in_keeps_to_the_vendor_s_specification(empty_standins: Standins, meta_specs: Path) -> None:
    use_meta(Meta(empty_standins))
    found = empty_standins.recorded("meta")
    assert [one.status for one in found].count(400) == 1
    assert check_graph(meta_specs, found, "/meta") == []


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (recorded("POST", "/meta/v25.0/act_1/customaudiences", {"names": "x"}), "'names' is not declared"),
        (recorded("POST", "/meta/v25.0/act_1/customaudiences", {"subtype": "LIST"}), "'subtype' is not of type"),
        (recorded("POST", "/meta/v25.0/1/usersreplace", {"payload": {}}), "'session' is required"),
        (recorded("POST", "/meta/v25.0/1/users", {"payload": []}), "'payload' is not of type Object"),
        (recorded("PUT", "/meta/v25.0/1/users", {"payload": {}}), "no such call"),
        (recorded("POST", "/meta/v25.0/1/members", {}), "no such call"),
        (recorded("GET", "/meta/v25.0/1/sessions", answer={"data": [{"rows": 1}]}), "field rows is not known"),
        (
            recorded("POST", "/meta/v25.0/1/users", {"payload": {}}, answer={"received": 1}),
            "field received is not known",
        ),
    ],
)
def test_the_graph_check_finds(meta_specs: Path, wrong: Recorded, word: str) -> None:
    found = check_graph(meta_specs, [wrong], "/meta")
    assert any(word in line for line in found), found


def test_a_broken_connection_is_checked_by_its_request_alone(mailchimp_spec: Path) -> None:
    lost = replace(recorded("GET", PREFIX + "/ping"), status=None, fault="lost_answer")
    assert check_openapi(mailchimp_spec, [lost], PREFIX) == []


def test_meta_s_documented_hashes_come_through_unchanged(empty_standins: Standins) -> None:
    meta = Meta(empty_standins)
    audience = meta.audience()
    mail = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    phone = "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"
    meta.send("POST", audience, ["EMAIL", "PHONE"], [[mail, phone]])
    assert (sha("john_smith@gmail.com"), sha("16505551212")) == (mail, phone)
    assert meta.held() == [{"EMAIL": mail, "PHONE": phone}]
    (sent,) = [one.json()["payload"]["data"] for one in empty_standins.recorded("meta", path="%/users")]
    assert sent == [[mail, phone]]
