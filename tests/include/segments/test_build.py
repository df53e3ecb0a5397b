from datetime import UTC, date, datetime, timedelta
from random import Random

import psycopg
import pytest

from include import warehouse
from include.errors import FatalError
from include.segments.build import SegmentBuildError, build_segments
from tests.sql.conftest import insert, person

DAY = date(2026, 11, 21)


@pytest.fixture
def countries(write_rule, load):
    """Two segments by country, and a third that builds on both."""
    write_rule("de", "{person: {country: DE}}")
    write_rule("known", "{person: {country: {known: true}}}")
    write_rule("abroad", "{all: [{segment: known}, {not: {segment: de}}]}")
    return load()


def live_in(conn: psycopg.Connection, countries: dict[int, str | None]) -> None:
    """Let profile.person say that these persons, and nobody else, live there."""
    conn.execute("delete from profile.person")
    for number, country in countries.items():
        insert(conn, "profile.person", {"person_id": person(number), "country": country})
    conn.commit()


def members(conn: psycopg.Connection, segment: str, moment: datetime | None = None) -> set[int]:
    source = (
        "select person_id from segment.current where segment = %(segment)s"
        if moment is None
        else "select person_id from segment.members_at(%(moment)s) where segment = %(segment)s"
    )
    return {row[0].int for row in conn.execute(source, {"segment": segment, "moment": moment})}


def build(conn, segments, day=DAY, **more):
    return {built.segment: built for built in build_segments(conn, as_of=day, definitions=segments, **more)}


def test_membership_at_any_past_moment_is_what_a_plain_model_remembers(conn, countries) -> None:
    rng = Random(7)
    remembered: list[tuple[datetime, dict[str, set[int]]]] = []
    for step in range(12):
        world = {n: rng.choice(["DE", "FR", None]) for n in range(1, 31) if rng.random() < 0.9}
        live_in(conn, world)
        build(conn, countries, DAY + timedelta(days=step // 3))
        moment = conn.execute("select clock_timestamp()").fetchone()[0]
        remembered.append(
            (
                moment,
                {
                    "de": {n for n, at in world.items() if at == "DE"},
                    "known": {n for n, at in world.items() if at},
                    "abroad": {n for n, at in world.items() if at == "FR"},
                },
            )
        )
    for moment, expected in remembered:
        assert {segment: members(conn, segment, moment) for segment in expected} == expected
    assert members(conn, "de", remembered[0][0] - timedelta(hours=1)) == set()
    overlapping = conn.execute(
        "select count(*) from segment.membership a join segment.membership b using (segment, person_id) "
        "where a.membership_id < b.membership_id "
        "and tstzrange(a.entered_at, a.left_at) && tstzrange(b.entered_at, b.left_at)"
    )
    assert overlapping.fetchone() == (0,)


def test_building_the_same_day_again_changes_nobody(conn, countries) -> None:
    live_in(conn, {1: "DE", 2: "FR", 3: None})
    first = build(conn, countries)
    before = conn.execute("select * from segment.membership order by membership_id").fetchall()
    again = build(conn, countries)
    assert (first["de"].size, first["de"].entered, first["de"].left) == (1, 1, 0)
    assert {(built.entered, built.left) for built in again.values()} == {(0, 0)}
    assert conn.execute("select * from segment.membership order by membership_id").fetchall() == before


def test_pain_33_each_segment_is_built_once_a_run_behind_those_it_builds_on_and_timed(conn, countries) -> None:
    live_in(conn, {1: "DE", 2: "FR", 3: None})
    for run in (1, 2):
        built = list(build(conn, countries))
        assert built.index("abroad") > max(built.index("de"), built.index("known"))
        told = conn.execute(
            "select segment, count(*), bool_and(seconds > 0) from segment.build group by segment order by segment"
        ).fetchall()
        assert told == [(name, run, True) for name in ("abroad", "de", "known")]


def test_each_stay_names_the_version_that_let_the_person_in_and_the_one_that_let_it_go(conn, write_rule, load) -> None:
    write_rule("some", "{person: {country: DE}}")
    live_in(conn, {1: "DE", 2: "DE", 3: "FR"})
    old = load()
    build(conn, old)
    write_rule("some", "{person: {country: {in: [FR, DE]}, city: {known: false}}}")
    conn.execute("update profile.person set city = 'Berlin' where person_id = %s", (person(2),))
    new = load()
    build(conn, new)
    found = conn.execute(
        "select person_id, version, left_version, left_reason from segment.membership order by person_id"
    ).fetchall()
    first, second = old["some"].version, new["some"].version
    assert [(row[0].int, *row[1:]) for row in found] == [
        (1, first, None, None),
        (2, first, second, "rule"),
        (3, second, None, None),
    ]
    assert {row[0] for row in conn.execute("select version from segment.definition")} == {first, second}


def test_at_a_merge_the_former_id_leaves_as_merged_and_todays_id_enters(conn, countries) -> None:
    live_in(conn, {1: None, 2: "DE"})
    build(conn, countries)
    insert(conn, "identity.redirect", {"old_person_id": person(2), "person_id": person(1)})
    live_in(conn, {1: "DE"})
    built = build(conn, countries)
    assert members(conn, "de") == {1}
    assert (built["de"].entered, built["de"].left) == (1, 1)
    assert conn.execute(
        "select person_id, left_reason from segment.membership where segment = 'de' and left_at is not null"
    ).fetchall() == [(person(2), "merged")]


def test_one_segments_failure_stops_only_what_builds_on_it(conn, write_sql, write_rule, load) -> None:
    write_sql("broken", "select person_id from profile.trait where 1 / order_count > 0")
    write_rule("above", "{segment: broken}")
    write_rule("top", "{not: {segment: above}}")
    write_rule("sound", "{person: {country: DE}}")
    live_in(conn, {1: "DE"})
    insert(conn, "profile.trait", {"person_id": person(1), "order_count": 1})
    conn.commit()
    build(conn, load())
    conn.execute("update profile.trait set order_count = 0")
    live_in(conn, {1: "DE", 2: "DE"})
    with pytest.raises(SegmentBuildError) as caught:
        build(conn, load())
    assert set(caught.value.failed) == {"broken", "above", "top"}
    assert caught.value.failed["broken"] == "Postgres refused the statement: DivisionByZero, 22012"
    assert caught.value.failed["above"] == "builds on broken"
    assert [built.segment for built in caught.value.built] == ["sound"]
    assert members(conn, "sound") == {1, 2}
    assert members(conn, "broken") == {1}  # keeps whom it had


def test_an_error_tells_no_value_of_a_row(conn, write_sql, load) -> None:
    write_sql("broken", "select person_id from profile.person where city::integer > 1")
    insert(conn, "profile.person", {"person_id": person(1), "city": "canary@posteo.example"})
    with pytest.raises(SegmentBuildError) as caught:
        build(conn, load())
    assert "canary" not in str(caught.value)
    assert "22P02" in str(caught.value)


def test_a_segment_that_takes_too_long_is_given_up_and_the_next_is_built(conn, write_sql, write_rule, load) -> None:
    write_sql(
        "heavy",
        "select person_id from profile.person cross join generate_series(1, 2000000000) as n (n) "
        "group by person_id having sum(n.n) > 0",
    )
    write_rule("light", "{person: {country: DE}}")
    live_in(conn, {1: "DE"})
    with pytest.raises(SegmentBuildError, match="heavy: took longer than 1 seconds"):
        build(conn, load(), timeout_seconds=1)
    assert members(conn, "light") == {1}


def test_an_earlier_day_is_refused_because_membership_only_moves_forward(conn, countries) -> None:
    live_in(conn, {1: "DE"})
    build(conn, countries)
    live_in(conn, {})
    with pytest.raises(SegmentBuildError, match="lies before its newest build"):
        build(conn, countries, DAY - timedelta(days=7))
    assert members(conn, "de") == {1}


def test_everybody_leaves_a_segment_whose_file_is_gone(conn, countries) -> None:
    live_in(conn, {1: "DE"})
    build(conn, countries)
    build(conn, {name: segment for name, segment in countries.items() if name == "de"})
    assert members(conn, "known") == set()
    assert members(conn, "de") == {1}
    assert conn.execute("select distinct left_reason from segment.membership where segment = 'known'").fetchall() == [
        ("retired",)
    ]


@pytest.mark.parametrize(
    ("limits", "before", "after", "alert"),
    [
        ("{min_size: 2}", 2, 1, "has 1 persons, fewer than min_size 2"),
        ("{min_size: 2}", 1, 2, None),
        ("{max_size: 3}", 3, 4, "has 4 persons, more than max_size 3"),
        ("{max_change_share: 0.5}", 4, 6, None),
        ("{max_change_share: 0.5}", 4, 7, "changed by 3 of 4 persons, more than max_change_share 0.5"),
        ("{}", 4, 0, "is empty, had 4 persons"),
        ("{max_change_share: 0.5}", 0, 9, None),
    ],
)
def test_a_segment_outside_its_limits_is_told_and_a_repeat_tells_the_same(
    limits, before, after, alert, conn, write_rule, load
) -> None:
    write_rule("de", "{person: {country: DE}}", f"limits: {limits}\n")
    live_in(conn, dict.fromkeys(range(before), "DE"))
    build(conn, load(), DAY - timedelta(days=1))
    live_in(conn, dict.fromkeys(range(after), "DE"))
    assert build(conn, load())["de"].alert == alert
    assert build(conn, load())["de"].alert == alert
    assert conn.execute("select alert from segment.build order by built_at desc limit 1").fetchone() == (alert,)


def test_a_swap_of_everybody_is_a_change_although_the_size_stays(conn, write_rule, load) -> None:
    write_rule("de", "{person: {country: DE}}", "limits: {max_change_share: 0.9}\n")
    live_in(conn, {1: "DE", 2: "DE"})
    build(conn, load(), DAY - timedelta(days=1))
    live_in(conn, {3: "DE", 4: "DE"})
    assert build(conn, load())["de"].alert == "changed by 4 of 2 persons, more than max_change_share 0.9"


def test_the_overlap_matrix_has_every_pair_also_those_that_share_nobody(conn, countries) -> None:
    live_in(conn, {1: "DE", 2: "DE", 3: "FR"})
    build(conn, countries)
    found = conn.execute(
        "select segment_a, segment_b, shared, size_a, size_b from segment.overlap order by 1, 2"
    ).fetchall()
    assert found == [("abroad", "de", 0, 1, 2), ("abroad", "known", 1, 1, 3), ("de", "known", 2, 2, 3)]


def test_the_overlap_matrix_equals_a_count_by_hand_on_random_segments(conn, write_rule, load) -> None:
    rng = Random(3)
    letters = "abcdef"
    for letter in letters:
        write_rule(letter, f"{{person: {{interests: {letter}}}}}")
    likes = {n: set(rng.sample(letters, rng.randrange(7))) for n in range(1, 60)}
    for number, liked in likes.items():
        insert(conn, "profile.person", {"person_id": person(number), "interests": sorted(liked)})
    build(conn, load())
    found = {
        (a, b): shared for a, b, shared in conn.execute("select segment_a, segment_b, shared from segment.overlap")
    }
    assert found == {
        (a, b): sum({a, b} <= liked for liked in likes.values()) for a in letters for b in letters if a < b
    }


def test_a_clock_that_was_set_back_does_not_stop_a_build(conn, countries) -> None:
    live_in(conn, {1: "DE"})
    build(conn, countries)
    conn.execute("update segment.build set built_at = built_at + interval '1 hour'")
    conn.execute("update segment.membership set entered_at = entered_at + interval '1 hour'")
    live_in(conn, {})
    assert build(conn, countries)["de"].left == 1


def test_an_open_transaction_of_the_caller_is_kept_and_the_lock_given_back(conn, countries, warehouse_url) -> None:
    insert(conn, "profile.person", {"person_id": person(1), "country": "DE"})
    build(conn, countries)
    with warehouse.connect(warehouse_url) as other:
        assert build(other, countries)["de"].size == 1


def test_a_lost_connection_is_no_failure_of_a_segment(conn, countries, warehouse_url) -> None:
    with warehouse.connect(warehouse_url, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", (conn.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        build(conn, countries)


def test_an_error_of_the_engine_is_of_the_kind_that_somebody_must_mend() -> None:
    assert issubclass(SegmentBuildError, FatalError)


def test_a_backend_lost_in_the_middle_leaves_each_segment_whole(conn, countries, warehouse_url) -> None:
    live_in(conn, {1: "DE", 2: "FR"})
    conn.execute(
        "create function segment.fail_on_abroad() returns trigger language plpgsql as $$ begin "
        "if new.segment = 'abroad' then perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$"
    )
    conn.execute(
        "create trigger fail before insert on segment.build for each row execute function segment.fail_on_abroad()"
    )
    conn.commit()
    with pytest.raises(psycopg.OperationalError):
        build(conn, countries)
    with warehouse.connect(warehouse_url) as other:
        assert (members(other, "de"), members(other, "known"), members(other, "abroad")) == ({1}, {1, 2}, set())
        other.execute("drop trigger fail on segment.build")
        assert build(other, countries)["abroad"].entered == 1


def test_moments_are_in_utc(conn, countries) -> None:
    live_in(conn, {1: "DE"})
    build(conn, countries)
    (entered,) = conn.execute("select entered_at from segment.membership limit 1").fetchone()
    assert entered.utcoffset() == timedelta(0)
    assert abs(entered - datetime.now(UTC)) < timedelta(minutes=5)
