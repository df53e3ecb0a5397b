"""Identifiers that several people carry: a shared mailbox, an address that goes from a leaver to a newcomer."""

import uuid

import pytest

from include.destinations.base import Answer, Exceptional
from include.errors import RetriableError
from include.ledger import guard
from tests.include.ledger.world import World


def _inherit(world: World, phone: str | None = None) -> uuid.UUID:
    """A member who leaves; returns the newcomer who has the same address."""
    leaver = world.person("shared@x.example")
    world.sync()
    world.leave(leaver)
    return world.person("shared@x.example", phone)


def test_pain_26_a_leaver_does_not_take_a_shared_mailbox_away(world: World) -> None:
    leaver = world.person("family@x.example", "+491111")
    stays = world.person("family@x.example", "+492222")
    world.sync()
    world.leave(leaver)
    world.sync()
    assert world.held() == {"family@x.example", "+492222"}
    world.leave(stays)
    world.sync()
    assert world.held() == set()


def test_who_shares_an_identifier_with_a_leaver_is_sent_again_after_the_removal(world: World) -> None:
    stays = world.person("family@x.example", "+491111")
    leaver = world.person("family@x.example", "+492222")
    world.sync()
    world.leave(leaver)
    result = world.sync()
    assert world.platform.calls[-2:] == [("remove", ("+492222",)), ("update", ("family@x.example", "+491111"))]
    assert (result.removed, result.updated) == (1, 1)
    assert world.conn.execute("select acknowledged from audience.member where person_id = %s", (stays,)).fetchall() == [
        ("present",)
    ]
    assert world.plan().changes == 0


def test_an_address_that_went_to_a_newcomer_stays(world: World) -> None:
    former = world.person("a@x.example")
    world.sync()
    world.change(former, email="b@x.example")
    world.person("a@x.example")
    world.sync()
    assert world.held() == {"a@x.example", "b@x.example"}
    assert world.platform.values("remove") == []


def test_an_address_kept_for_a_newcomer_who_is_refused_leaves_with_the_leaver_in_the_same_sync(world: World) -> None:
    _inherit(world, "+49refused")
    world.platform.refused = {"+49refused"}
    result = world.sync()
    assert (result.removed, result.rejected, result.outcome) == (1, 1, "partial")
    assert world.held() == set()
    assert world.one("select count(*) from audience.member where acknowledged = 'present'") == 0


def test_an_address_kept_for_a_newcomer_who_withdraws_before_the_call_leaves_with_the_leaver(world: World) -> None:
    newcomer = _inherit(world)

    def withdraw(reached: str) -> None:
        if reached == "planned":
            world.consent(newcomer, "withdrawn")

    assert world.sync(withdraw).removed == 1
    assert world.held() == set()


def test_an_address_kept_for_a_newcomer_whose_call_failed_waits_with_it(world: World) -> None:
    _inherit(world)
    world.platform.script = ["lost"]
    with pytest.raises(RetriableError):
        world.sync()
    assert world.platform.values("remove") == []
    world.sync()
    assert world.held() == {"shared@x.example"}
    assert world.platform.values("remove") == []
    assert world.one("select count(*) from audience.member where acknowledged = 'present'") == 1


def test_an_address_kept_for_a_newcomer_whose_job_fails_leaves_with_the_leaver(world: World) -> None:
    world.destination.acknowledgement = "job"
    _inherit(world)
    world.platform.jobs = {"job 2": Answer((Exceptional(0, "rejected", "bad_row", "the platform refuses the row"),))}
    world.sync()
    assert world.platform.calls[-1] == ("remove", ("shared@x.example",))
    assert world.one("select count(*) from audience.member where acknowledged = 'present'") == 0
    assert world.held() == set()


def test_an_address_kept_for_a_newcomer_whose_job_is_not_done_waits_for_it(world: World) -> None:
    world.destination.acknowledgement = "job"
    _inherit(world)
    world.platform.jobs = {"job 2": None}
    assert world.sync(wait_seconds=0).removed == 0
    world.platform.jobs = {}
    assert world.sync().removed == 1
    assert world.held() == {"shared@x.example"}
    assert world.platform.values("remove") == []


def _approved(world: World) -> None:
    """The leaver's removal was held, and somebody has approved it."""
    world.limits = {"max_change_share": 0.0, "max_removals": 0}
    leaver = world.person("shared@x.example")
    world.person("stays@x.example")
    world.sync()
    world.leave(leaver)
    assert world.sync().held == 1
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    world.person("shared@x.example", "+49new")


def test_an_approval_covers_a_leaver_whose_address_was_kept_for_a_newcomer_who_is_refused(world: World) -> None:
    _approved(world)
    world.platform.refused = {"+49new"}
    result = world.sync()
    assert (result.removed, result.held) == (1, 0)
    assert world.held() == {"stays@x.example"}
    assert world.one("select string_agg(state, ' ') from audience.hold") == "closed"


def test_an_approval_lasts_while_an_address_is_kept_for_a_newcomer_whose_call_failed(world: World) -> None:
    _approved(world)
    world.platform.script = ["lost"]
    with pytest.raises(RetriableError):
        world.sync()
    assert world.hold()["state"] == "approved"
    result = world.sync()
    assert (result.removed, result.held) == (1, 0)
    assert world.held() == {"stays@x.example", "shared@x.example", "+49new"}
    assert world.one("select string_agg(state, ' ') from audience.hold") == "closed"
