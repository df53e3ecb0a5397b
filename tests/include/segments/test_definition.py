import psycopg
import pytest

from include.errors import ConfigError
from include.segments.columns import readable_tables
from include.segments.definition import load_definitions

PLAIN = "select person_id from profile.person where country = 'DE'"


def refused(load) -> str:
    with pytest.raises(ConfigError) as caught:
        load()
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "line", "cause"),
    [
        ("colour: red\n", 7, "unknown key 'colour'"),
        ("purpose: post\n", 7, "unknown purpose 'post'"),
        ("limits: {smallest: 3}\n", 7, "unknown limit 'smallest'"),
        ("limits:\n  min_size: 5\n  max_size: 4\n", 7, "min_size is above max_size"),
        ("limits:\n  min_size: 5\n  max_change_share: 1.5\n", 9, "limit 'max_change_share' does not fit"),
        ("limits:\n  max_removals: 0.5\n", 8, "limit 'max_removals' does not fit"),
        ("limits:\n  stale_hours: -1\n", 8, "limit 'stale_hours' does not fit"),
        ("audiences: {fax: {tag: a}}\n", 7, "unknown destination 'fax'"),
        ("audiences:\n  mailchimp:\n    tag: a\n    colour: red\n", 10, "unknown option 'colour' of mailchimp"),
        ("audiences: {mailchimp: {audience: a}}\n", 7, "unknown option 'audience'"),
        ("audiences:\n  mailchimp:\n    tag: a\n    nulls: {city: clear}\n", 10, "'nulls' names 'city'"),
        ("audiences:\n  mailchimp:\n    tag: a\n    nulls: {first_name: empty}\n", 10, "'nulls' says 'empty'"),
        ("audiences:\n  meta:\n    audience: a\n    first_load: loud\n", 10, "first_load 'loud' is not known"),
        ("audiences:\n  mailchimp:\n    tag: a\n    first_load: quiet\n", 10, "mailchimp cannot be loaded quietly"),
        ("audiences: {meta: {audience: ''}}\n", 7, "has no 'audience'"),
        ("purpose: email\naudiences: {meta: {audience: a}}\n", 8, "needs consent for ads"),
        ("audiences: {meta: [{audience: a}, {audience: A}]}\n", 7, "stands twice"),
        ("params: {min_cents: 2.5}\n", 7, "parameter 'min_cents' has a value of type float"),
        ("params: {min_cents: '20000'}\n", 7, "parameter 'min_cents' has a value of type str"),
        ("params: {from_on: 20261121}\n", 7, "parameter 'from_on' has a value of type int"),
        ("params: {kept_share: 40}\n", 7, "parameter 'kept_share' has a value of type int"),
        ("params: {names: {a: 1}}\n", 7, "parameter 'names' has a value of type Located"),
        ("params: {names: [a, 1]}\n", 7, "parameter 'names' has a value of type list"),
        ("params: {as_of: 2026-01-01}\n", 7, "'as_of' is no name for a parameter"),
        ("params: {min_count: 1}\n", 1, "parameter 'min_count' is never used"),
        ("owner: somebody else\n", 7, "key 'owner' stands twice"),
        ("limits: {min_size: 5\n", 9, "this is not YAML"),
    ],
)
def test_a_wrong_front_matter_is_refused_with_file_line_and_cause(more, line, cause, write_sql, load) -> None:
    write_sql("plain", PLAIN, more)
    text = refused(load)
    assert f"/plain.sql:{line}: " in text or cause == "this is not YAML"
    assert "plain.sql" in text
    assert cause in text


@pytest.mark.parametrize("key", ["segment", "title", "owner", "kind", "goal"])
def test_a_missing_key_is_named(key, write_sql, load) -> None:
    path = write_sql("plain", PLAIN)
    kept = [line for line in path.read_text().splitlines() if not line.startswith(f"{key}:")]
    path.write_text("\n".join(kept))
    assert f"'{key}' is missing" in refused(load)


def test_the_name_must_be_the_files_name(write_sql, load) -> None:
    path = write_sql("plain", PLAIN)
    path.rename(path.with_name("other.sql"))
    assert "the file is called 'other', the segment 'plain'" in refused(load)


def test_a_folder_without_segments_is_refused_because_it_would_empty_every_audience(tmp_path) -> None:
    with pytest.raises(ConfigError, match="holds no segment"):
        load_definitions(tmp_path)


def test_one_name_in_two_files_is_refused(write_sql, write_rule, load) -> None:
    write_sql("plain", PLAIN)
    write_rule("plain", "{person: {country: DE}}")
    assert "is defined by plain.sql too" in refused(load)


def test_two_segments_may_not_feed_one_audience(write_sql, load) -> None:
    write_sql("a", PLAIN, "audiences: {mailchimp: {tag: Best}}\n")
    write_sql("b", PLAIN, "audiences: {mailchimp: {tag: best}}\n")
    assert "mailchimp audience 'best' is fed by segment 'a' too" in refused(load)


def test_one_audience_name_at_two_destinations_is_fine(write_sql, load) -> None:
    write_sql("a", PLAIN, "audiences: {mailchimp: {tag: best}, meta: {audience: best}}\n")
    assert [(found.destination, found.key, found.purpose) for found in load()["a"].audiences] == [
        ("mailchimp", "best", "email"),
        ("meta", "best", "ads"),
    ]


def test_a_circle_of_segments_is_refused_and_shown(write_sql, write_rule, load) -> None:
    write_sql("a", "select person_id from segment.current where segment = 'b'")
    write_rule("b", "{any: [{person: {country: DE}}, {not: {segment: c}}]}")
    write_rule("c", "{segment: a}")
    text = refused(load)
    assert "in a circle" in text
    assert all(f"{name} → " in text for name in "abc")


def test_a_segment_may_not_build_on_itself(write_rule, load) -> None:
    write_rule("a", "{segment: a}")
    assert "in a circle: a → a" in refused(load)


def test_building_on_an_unknown_segment_is_refused(write_rule, load) -> None:
    write_rule("a", "{segment: nobody}")
    assert "builds on segment 'nobody', which no file defines" in refused(load)


def test_segments_come_in_the_order_they_are_built_in(write_sql, write_rule, load) -> None:
    write_rule("a", "{segment: m}")
    write_sql("m", "select person_id from segment.current where segment in ('z', 'y')")
    write_sql("y", PLAIN)
    write_sql("z", PLAIN)
    order = list(load())
    assert order.index("y") < order.index("m") < order.index("a")
    assert order.index("z") < order.index("m")


def test_the_version_is_the_meaning_not_the_spelling(write_sql, load) -> None:
    write_sql("a", PLAIN)
    first = load()["a"].version
    write_sql(
        "a",
        "-- a comment\nSELECT  person_id\nFROM profile.person /* x */ WHERE\n country='DE'",
        "limits: {min_size: 1}\n",
    )
    assert load()["a"].version == first
    write_sql("a", PLAIN.replace("DE", "de"))
    assert load()["a"].version != first


def test_limits_of_the_syncs_are_read_beside_those_of_the_build(write_sql, load) -> None:
    write_sql("a", PLAIN, "limits: {max_change_share: 0.3, max_removals: 200, stale_hours: 72}\n")
    limits = load()["a"].limits
    assert (limits.max_change_share, limits.max_removals, limits.stale_hours) == (0.3, 200, 72)
    assert limits.min_size is None


def test_a_parameter_is_part_of_the_meaning(write_sql, load) -> None:
    body = "select person_id from profile.trait where total_cents >= %(min_cents)s"
    write_sql("a", body, "params: {min_cents: 100}\n")
    first = load()["a"].version
    write_sql("a", body, "params: {min_cents: 101}\n")
    assert load()["a"].version != first


def test_a_new_meaning_below_is_a_new_version_above(write_sql, write_rule, load) -> None:
    write_rule("above", "{segment: below}")
    write_rule("other", "{person: {city: Berlin}}")
    write_sql("below", PLAIN)
    before = load()
    write_sql("below", PLAIN.replace("DE", "FR"))
    after = load()
    assert before["above"].version != after["above"].version
    assert before["other"].version == after["other"].version


def test_a_comment_in_a_rule_file_changes_no_version(write_rule, load) -> None:
    path = write_rule("a", "{trait: {order_count: '>= 2'}}")
    first = load()["a"].version
    path.write_text("# why\n" + path.read_text().replace("'>= 2'", '{">=": 2}'))
    assert load()["a"].version == first


def test_the_columns_known_from_the_migrations_are_those_of_the_database(conn: psycopg.Connection) -> None:
    found: dict[str, set[str]] = {}
    for table, column in conn.execute(
        "select table_schema || '.' || table_name, column_name from information_schema.columns "
        "where table_schema = 'profile' or (table_schema, table_name) = ('segment', 'current')"
    ):
        found.setdefault(table, set()).add(column)
    assert {table: set(columns) for table, columns in readable_tables().items()} == found


def test_a_type_of_column_is_known_well_enough_to_compare_it() -> None:
    person, trait = readable_tables()["profile.person"], readable_tables()["profile.trait"]
    assert (person["interests"], person["birth_on"], person["customer_since"]) == ("list", "date", "moment")
    assert (trait["currency"], trait["order_count"], trait["last_ordered_on"]) == ("text", "number", "date")
