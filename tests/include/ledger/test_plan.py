"""What is planned and sent: the difference between desired and acknowledged, in all its odd cases."""

from dataclasses import dataclass, field

import pytest

from include.destinations.base import Audience
from include.errors import ConfigError
from include.ledger.audiences import Declared, register
from tests.include.ledger.world import FakeDestination, World


def test_members_with_consent_and_an_identifier_are_added_and_nobody_else(world: World) -> None:
    world.person("ada@x.example")
    world.person("no-statement@x.example", consent=None)
    world.person("withdrew@x.example", consent="withdrawn")
    world.person("outside@x.example", member=False)
    world.person(None)
    result = world.sync()
    assert world.held() == {"ada@x.example"}
    assert (result.added, result.confirmed, result.size, result.outcome) == (1, 1, 1, "success")


def test_a_second_sync_sends_nothing(world: World) -> None:
    world.person("ada@x.example", "+4912345")
    world.sync()
    calls = len(world.platform.calls)
    result = world.sync()
    assert len(world.platform.calls) == calls
    assert (result.added, result.updated, result.removed, result.outcome) == (0, 0, 0, "success")


def test_pain_08_and_22_who_leaves_or_withdraws_is_removed(world: World) -> None:
    leaver, withdrawer, deleted = (world.person(f"{name}@x.example") for name in ("leaver", "withdrawer", "deleted"))
    world.person("stays@x.example")
    world.sync()
    world.leave(leaver)
    world.consent(withdrawer, "withdrawn")
    world.delete(deleted)
    result = world.sync()
    assert world.held() == {"stays@x.example"}
    assert result.removed == 3


def test_a_new_grant_brings_a_withdrawer_back(world: World) -> None:
    person = world.person("ada@x.example")
    world.sync()
    world.consent(person, "withdrawn")
    world.sync()
    assert world.held() == set()
    world.consent(person, "granted")
    assert world.sync().added == 1
    assert world.held() == {"ada@x.example"}


def test_pain_35_a_changed_field_updates_only_its_person(world: World) -> None:
    changed = world.person("ada@x.example")
    world.person("bob@x.example", first_name="Bob")
    world.sync()
    world.change(changed, first_name="Ada Maria")
    result = world.sync()
    assert (result.added, result.updated, result.removed) == (0, 1, 0)
    assert world.platform.values("update") == ["ada@x.example"]
    assert world.platform.members["ada@x.example"] == {"first_name": "Ada Maria"}


def test_a_changed_mapping_updates_everybody_and_removes_nobody(world: World) -> None:
    for number in range(4):
        world.person(f"p{number}@x.example")
    world.sync()
    world.destination.field_version = 2
    result = world.sync()
    assert (result.updated, world.platform.values("remove")) == (4, [])


def test_pain_11_a_changed_address_removes_the_one_that_was_sent(world: World) -> None:
    person = world.person("old@x.example", "+4912345")
    world.sync()
    world.change(person, email="new@x.example")
    result = world.sync()
    assert world.held() == {"new@x.example", "+4912345"}
    assert world.platform.values("remove") == ["old@x.example"]
    assert (result.added, result.updated, result.removed, result.size) == (0, 1, 0, 1)


def test_an_identifier_that_is_gained_removes_nothing(world: World) -> None:
    person = world.person("ada@x.example")
    world.sync()
    world.change(person, phone="+4912345")
    world.sync()
    assert world.held() == {"ada@x.example", "+4912345"}
    assert world.platform.values("remove") == []
    assert world.one("select count(*) from audience.member where acknowledged = 'present'") == 1


def test_pain_25_merged_persons_never_vanish(world: World) -> None:
    younger, older = world.person("y@x.example"), world.person("o@x.example")
    world.sync()
    world.merge(younger, older)
    world.change(older, email="y@x.example")
    world.sync()
    assert world.held() == {"y@x.example"}
    assert world.platform.values("remove") == ["o@x.example"]
    assert world.one("select count(*) from audience.member where acknowledged = 'present'") == 1


def test_a_merge_of_a_member_into_an_outsider_moves_the_member(world: World) -> None:
    younger, older = world.person("y@x.example"), world.person("o@x.example", member=False)
    world.sync()
    world.merge(younger, older)
    world.change(older, email="y@x.example")
    result = world.sync()
    assert world.platform.calls == [("add", ("y@x.example",))]
    assert (result.added, result.removed, world.held()) == (0, 0, {"y@x.example"})
    assert world.one("select person_id from audience.member") == older


def test_who_is_a_member_by_somebody_merged_into_them_comes_in_at_the_first_sync(world: World) -> None:
    younger, older = world.person("y@x.example"), world.person("o@x.example", member=False)
    world.person("ada@x.example")
    world.merge(younger, older)
    assert (world.sync().added, world.held()) == (2, {"o@x.example", "ada@x.example"})


def test_two_merged_persons_with_one_address_become_one_member(world: World) -> None:
    first, second, third = (world.person("same@x.example") for _ in range(3))
    world.sync()
    world.merge(first, third)
    world.merge(second, third)
    result = world.sync()
    assert (world.held(), result.size, world.platform.values("remove")) == ({"same@x.example"}, 1, [])


def test_a_dry_run_writes_nothing_and_equals_the_plan_then_sent(world: World) -> None:
    leaver = world.person("leaver@x.example")
    changed = world.person("changed@x.example")
    world.sync()
    world.leave(leaver)
    world.change(changed, first_name="Eve")
    world.person("new@x.example")
    calls, before = len(world.platform.calls), world.one("select md5(string_agg(m::text, '')) from audience.member m")
    plan = world.plan()
    assert (plan.adds, plan.updates, plan.removes, plan.held) == (1, 1, 1, 0)
    assert (len(world.platform.calls), world.one("select md5(string_agg(m::text, '')) from audience.member m")) == (
        calls,
        before,
    )
    assert world.sync().plan_hash == plan.plan_hash
    assert world.plan().changes == 0


def test_a_dry_run_of_another_difference_has_another_hash(world: World) -> None:
    world.sync()
    world.person("a@x.example")
    first = world.plan().plan_hash
    world.person("b@x.example")
    assert world.plan().plan_hash != first


def test_an_audience_that_no_file_names_is_emptied(world: World) -> None:
    world.person("ada@x.example")
    world.sync()
    world.declared = []
    assert world.sync().removed == 1
    assert world.held() == set()
    assert world.one("select active from audience.audience") is False


def test_another_segment_behind_the_audience_is_a_difference_like_any(world: World) -> None:
    world.person("ada@x.example")
    world.sync()
    world.conn.execute("insert into segment.definition values ('others', 'v1', 'Others', 'growth', '{}', '')")
    world.conn.execute(
        "insert into segment.build (segment, version, as_of, size, entered, left_count, seconds)"
        " values ('others', 'v1', '2026-11-21', 3, 0, 0, 0.1)"
    )
    world.declared = ["others"]
    assert world.sync().removed == 1


def test_two_files_cannot_claim_one_audience(world: World) -> None:
    with pytest.raises(ConfigError, match="already belongs to"):
        register(world.conn, [Declared("fake", "k", "one", "email"), Declared("fake", "k", "two", "email")])


def test_consent_that_is_withdrawn_between_plan_and_send_is_honoured(world: World) -> None:
    late = world.person("late@x.example")
    world.person("ada@x.example")

    def withdraw(step: str) -> None:
        if step == "planned":
            world.consent(late, "withdrawn")

    world.sync(withdraw)
    assert world.platform.values("add") == ["ada@x.example"]
    assert world.sync().added == 0


def test_whoever_is_excluded_between_plan_and_send_is_not_sent(world: World) -> None:
    late = world.person("late@x.example")
    world.person("ada@x.example")

    def exclude(step: str) -> None:
        if step == "planned":
            world.conn.execute(
                "insert into audience.excluded (audience_id, person_id, reason) select audience_id, %s, 'control'"
                " from audience.audience",
                (late,),
            )

    world.sync(exclude)
    assert world.platform.values("add") == ["ada@x.example"]


def test_who_changed_or_left_between_plan_and_send_waits_for_the_next_plan(world: World) -> None:
    changed, left = world.person("changed@x.example"), world.person("left@x.example")

    def disturb(step: str) -> None:
        if step == "planned":
            world.change(changed, email="later@x.example")
            world.leave(left)

    world.sync(disturb)
    assert world.held() == set()
    world.sync()
    assert world.held() == {"later@x.example"}


def _noted(world: World) -> bool:
    return world.one(
        "select bool_and(m.row_hash = p.row_hash) from audience.member m join profile.person p using (person_id)"
        " where m.acknowledged = 'present'"
    )


def test_a_change_of_what_is_not_carried_sends_nothing_and_is_noted(warehouse_url: str) -> None:
    world = World(warehouse_url, identifiers=("email",), fields=())
    person = world.person("ada@x.example", first_name="Ada")
    world.sync()
    assert _noted(world)
    world.change(person, first_name="Eve")
    assert not _noted(world)
    calls = len(world.platform.calls)
    assert world.sync().outcome == "success"
    assert len(world.platform.calls) == calls
    assert _noted(world)
    world.close()


def test_other_fields_carried_are_seen_though_no_person_changed(world: World) -> None:
    world.person("ada@x.example")
    world.sync()
    world.destination.fields = ()
    assert world.plan().updates == 1
    assert world.sync().updated == 1
    world.destination.field_version = 2
    assert world.sync().updated == 1
    assert world.plan().changes == 0


def test_a_person_with_a_former_address_is_passed_over_again(world: World) -> None:
    person = world.person("ada@x.example")
    world.sync()
    world.change(person, email="eve@x.example")
    world.sync()
    assert world.held() == {"eve@x.example"}
    assert world.plan().changes == 0


@dataclass
class NamingDestination(FakeDestination):
    """A platform whose audience chooses the names of its fields."""

    chosen: dict[str, str] = field(default_factory=dict)

    def names(self, audience: Audience) -> dict[str, str]:
        return self.chosen


def test_pain_35_a_changed_mapping_sends_anew_only_who_has_a_value_under_a_changed_name(world: World) -> None:
    world.destination = NamingDestination(world.platform, ("email",), chosen={"first_name": "given"})
    world.person("named@x.example")
    nameless = world.person("nameless@x.example", first_name=None)
    world.sync()
    assert world.plan().changes == 0
    world.destination.chosen = {"first_name": "given", "city": "town"}  # of nobody
    assert world.plan().changes == 0
    for chosen in ({"first_name": "name"}, {}, {"first_name": "given"}):
        world.destination.chosen = chosen
        assert world.sync().updated == 1
    assert world.platform.values("update") == ["named@x.example"] * 3
    world.change(nameless, first_name="Eve")
    assert world.sync().updated == 1


def test_somebody_refused_who_left_since_is_nobody_who_is_missing(world: World) -> None:
    world.person("a@x.example")
    refused = world.person("refused@x.example")
    world.platform.refused = {"refused@x.example"}
    assert world.sync().outcome == "partial"
    assert (again := world.sync()).outcome == "partial" and again.parked == 1
    world.leave(refused)
    result = world.sync()
    assert (result.outcome, result.parked) == ("success", 0)


def test_whoever_became_somebody_else_is_not_sent_though_the_profile_still_has_them(world: World) -> None:
    old, today = world.person("old@x.example"), world.person("today@x.example")
    world.conn.execute(
        "insert into identity.redirect (old_person_id, record_id, person_id) values (%s, 1, %s)", (old, today)
    )
    assert world.sync().added == 1
    assert world.held() == {"today@x.example"}
