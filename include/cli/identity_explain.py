"""``identity explain link A B``, ``identity explain person P``."""

from typing import TYPE_CHECKING, Any

import typer

from include.cli.app import Json, warehouse_connection
from include.cli.identity_ends import By, EndName, ShowValues, end, one_person, shower
from include.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:  # what searches graphs brings scipy along: only for the commands that search
    from include.identity.explain import Explanation
    from include.identity.story import Story
    from include.identity.ties import Tie

LONGEST_CHAIN = 40  # links that people read; of a longer chain both ends are shown

explain = typer.Typer(no_args_is_help=True, help="Why records are one person, or why they are not.")


@explain.command("link")
def explain_link(a: EndName, b: EndName, show_values: ShowValues = False, by: By = None, json: Json = False) -> None:
    """The shortest chain of records and identifiers that joins two ends; or why they are apart, and by which rule."""
    from include.identity.explain import explain_link as find

    with warehouse_connection() as conn:
        one, two = end(conn, a), end(conn, b)
        show = shower(conn, f"link of {one.label} and {two.label}", by, unmasked=show_values)
        found = find(conn, one, two, show=show)
    if json:
        print_json(found)
        return
    _print_link(found)


def _print_link(found: "Explanation") -> None:
    print_line(f"{found.a}  and  {found.b}")
    for sentence in found.because:
        print_line(sentence)
    for name, persons in zip((found.a, found.b), found.persons, strict=True):
        print_line(f"  {name}: {', '.join(map(str, persons)) or 'nobody'}")
    if found.steps:
        title = "Chain" if found.verdict == "joined" else "The chain that would join them"
        print_table(title, ["record", "first_seen", "carries", "value", "since", "joins"], _chain_rows(found))
    if found.shared:
        print_table("Both carry", ["type", "value", "why_not"], found.shared)


def _chain_rows(found: "Explanation") -> list[dict[str, Any]]:
    """A line a link; a record is named where the chain comes to it. A very long chain loses its middle."""
    steps, rows, last = found.steps, [], None
    half = LONGEST_CHAIN // 2
    left_out = len(steps) - LONGEST_CHAIN
    for place, step in enumerate(steps):
        if left_out > 0 and half <= place < len(steps) - half:
            if place == half:
                rows.append({"record": f"… {left_out:,} links, see --json"})
            continue
        here = (step.stream, step.record)
        rows.append(
            {
                "record": f"{step.stream}:{step.record}" if here != last else "",
                "first_seen": step.record_first_seen_at if here != last else "",
                "carries": step.what,
                "value": step.value,
                "since": step.since,
                "joins": "yes" if step.why_not is None else f"no: {step.why_not}",
            }
        )
        last = here
    return rows


@explain.command("person")
def explain_person(person: EndName, show_values: ShowValues = False, by: By = None, json: Json = False) -> None:
    """What one person is made of: records, identifiers, links that do not hold, merges and splits with who and why."""
    from include.identity.story import tell

    with warehouse_connection() as conn:
        person_id = one_person(end(conn, person))
        show = shower(conn, f"person {person_id}", by, unmasked=show_values)
        found = tell(conn, person_id, show=show)
    if json:
        print_json(found)
        return
    _print_story(found)


def _listed(found: "Story", section: str, title: str) -> str:
    shown, of = len(getattr(found, section)), found.counts[section]
    return f"{title} ({shown:,} of {of:,})" if shown < of else f"{title} ({of:,})"


def _print_story(found: "Story") -> None:
    print_line(f"Person {found.person_id}")
    for row in found.former:
        print_line(
            f"  formerly also {row['old_person_id']}, until {row['redirected_at']:%Y-%m-%d %H:%M} ({row['record']})"
        )
    print_table(
        _listed(found, "records", "Records"), ["record", "shape", "first_seen_at", "here_since", "links"], found.records
    )
    print_table(
        _listed(found, "identifiers", "Identifiers"),
        ["type", "value", "joins", "dropped", "carried_by", "first_seen_at", "streams"],
        found.identifiers,
    )
    print_table(
        _listed(found, "dropped", "Links that do not hold"),
        ["record", "type", "value", "why_not"],
        found.dropped,
        empty="every link holds",
    )
    print_table("Pins and accepted proposals", ["decided", "a", "b", "state"], [_tie_row(tie) for tie in found.ties])
    print_table(
        "Merges and splits",
        ["changed_at", "kind", "from_person_id", "to_person_id", "records", "because"],
        found.changes,
        empty="never merged, never split",
    )
    print_table(
        "Consent",
        ["purpose", "state", "occurred_at", "stream", "granted", "withdrawn"],
        found.consent,
        empty="no statement: no",
    )
    print_table("Audiences", ["destination", "present_in", "absent_from"], found.audiences, empty="in none")


def _tie_row(tie: "Tie") -> dict[str, Any]:
    return {"decided": str(tie), "a": tie.a, "b": tie.b, "state": tie.state}
