import psycopg
from psycopg import sql

from include.destinations.registry import DESTINATIONS

TABLES = (
    "segment.build",
    "segment.membership",
    "segment.definition",
    "segment.overlap",
    "audience.audience",
    "audience.member",
    "audience.hold",
    "audience.excluded",
    "audience.exclusion_state",
    "experiment.assignment",
    "audience.sync",
    "ops.audit",
)


def fingerprint(conn: psycopg.Connection) -> dict[str, tuple]:
    """Rows and write positions of everything a preview or a plan could write to."""
    conn.rollback()
    count = sql.SQL("select count(*), max(xmin::text::bigint) from {}")
    return {
        table: conn.execute(count.format(sql.Identifier(*table.split(".")))).fetchone()
        for table in TABLES
    }


def test_list_shows_every_segment_with_its_newest_size(run, merchant) -> None:
    done = run("segment", "list", "--json")
    assert done.code == 0
    sizes = {row["segment"]: row["size"] for row in done.json}
    assert (sizes["home_market"], sizes["outdoor_fans"], sizes["engaged_readers"]) == (2, 3, 1)
    assert len(sizes) >= 12
    assert not any(row["changed_since_build"] for row in done.json)


def test_list_is_a_readable_table_without_json(run, merchant) -> None:
    done = run("segment", "list")
    assert done.code == 0
    assert "home_market" in done.out
    assert "mailchimp:home-market" in done.out


def test_preview_counts_size_consent_and_reach_and_masks_the_sample(run, merchant) -> None:
    done = run("segment", "preview", "outdoor_fans", "--json")
    assert done.code == 0
    assert (done.json["size"], done.json["persons"], done.json["would_enter"], done.json["would_leave"]) == (3, 3, 0, 0)
    reach = {row["destination"]: row for row in done.json["reach"]}
    assert {
        key: reach["mailchimp"][key] for key in ("granted", "withdrawn", "unknown", "reachable", "with_identifier")
    } == {"granted": 2, "withdrawn": 0, "unknown": 1, "reachable": 2, "with_identifier": 3}
    assert {key: reach["meta"][key] for key in ("granted", "withdrawn", "unknown", "reachable")} == {
        "granted": 1,
        "withdrawn": 1,
        "unknown": 1,
        "reachable": 1,
    }
    assert reach["meta"]["audiences"] == ["outdoor-fans"]
    assert {row["email"] for row in done.json["sample"]} == {
        "a***@p***.example",
        "b***@p***.example",
        "c***@m***.example",
    }


def test_preview_shows_no_whole_address_to_people_either(run, merchant) -> None:
    done = run("segment", "preview", "outdoor_fans")
    assert "3 of 3 persons (100.0 %)" in done.out
    assert "Nothing was written." in done.out
    assert "posteo" not in done.out + done.err


def test_preview_works_on_segments_that_were_never_built_and_writes_nothing(run, merchant, conn) -> None:
    conn.execute("delete from segment.overlap")
    conn.execute("delete from segment.build")
    conn.execute("delete from segment.membership")
    conn.execute("delete from segment.definition")
    conn.execute("update profile.trait set lifecycle = 'at_risk'")
    conn.commit()
    before = fingerprint(conn)
    done = run("segment", "preview", "winback_by_mail", "--json")  # builds on three others
    assert done.code == 0
    assert (done.json["size"], done.json["would_enter"], done.json["built_version"]) == (1, 1, None)
    assert fingerprint(conn) == before


def test_preview_of_another_day_takes_that_days_windows(run, merchant) -> None:
    done = run("segment", "preview", "engaged_readers", "--as-of", "2020-01-01", "--json")
    assert (done.json["as_of"], done.json["size"], done.json["would_leave"]) == ("2020-01-01", 0, 1)


def test_an_unknown_segment_is_not_found(run, merchant) -> None:
    done = run("segment", "preview", "nobody")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("There is no segment 'nobody'. There are: adults_25_to_40")
    assert run("segment", "show", "nobody", "--json").code == 1


def test_show_prints_the_sql_a_rule_means(run) -> None:
    done = run("segment", "show", "cart_abandoners", WAREHOUSE_URL="")
    assert done.code == 0
    assert "not exists" in done.out
    assert "from profile.person_event as did" in done.out


def test_wrong_use_is_told_in_words_with_code_two(run, merchant) -> None:
    assert run("segment", "preview", "outdoor_fans", "--as-of", "soon").code == 2
    assert run("segment", "burn").code == 2
    for url in ("postgresql://x:y@127.0.0.1:1/none", "nonsense"):
        done = run("segment", "list", WAREHOUSE_URL=url)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
        assert "Traceback" not in done.err


def test_a_warehouse_that_was_never_migrated_is_told_in_words(run, postgres) -> None:
    done = run("segment", "list", WAREHOUSE_URL=postgres.url("postgres"))
    assert done.code == 2
    assert "lacks tables" in done.err


def test_the_warehouse_comes_from_the_env_file_of_a_running_system(run, merchant, tmp_path, warehouse_url) -> None:
    (tmp_path / "env").write_text(f"AIRFLOW_URL=http://127.0.0.1:1\nWAREHOUSE_URL={warehouse_url}\n")
    assert run("segment", "list", "--json", WAREHOUSE_URL="", AUDIENCEFLOW_HOME=str(tmp_path)).code == 0
    missing = run("segment", "list", WAREHOUSE_URL="", AUDIENCEFLOW_HOME=str(tmp_path / "none"))
    assert missing.code == 2
    assert "set WAREHOUSE_URL" in missing.err


def test_plan_shows_what_would_go_out_and_writes_nothing(run, merchant, conn) -> None:
    before = fingerprint(conn)
    done = run("sync", "plan", "mailchimp", "--json")
    assert done.code == 0
    plans = {row["audience"]: row for row in done.json["audiences"]}
    assert (plans["outdoor-fans"]["adds"], plans["home-market"]["adds"], plans["engaged-readers"]["adds"]) == (2, 1, 1)
    assert (
        run("sync", "plan", "mailchimp", "--json").json["audiences"] == done.json["audiences"]
    )  # the same plan, by hash
    assert {row["audience"]: row["adds"] for row in run("sync", "plan", "meta", "--json").json["audiences"]}[
        "outdoor-fans"
    ] == 1
    assert fingerprint(conn) == before


def test_an_unknown_destination_is_not_found(run, merchant) -> None:
    done = run("sync", "plan", "fax")
    known = ", ".join(sorted(DESTINATIONS))
    assert (done.code, done.err.strip()) == (1, f"There is no destination 'fax'. There are: {known}.")
