"""``identity whatif RULES.yaml``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from include.cli.app import AsOf, Json, day, warehouse_connection
from include.cli.identity_ends import By, ShowValues, shower
from include.cli.output import print_json, print_line, print_table
from include.errors import ConfigError

if TYPE_CHECKING:
    from include.identity.whatif import Example, WhatIf

Rules = Annotated[
    Path, typer.Argument(metavar="RULES", help="Another rules file, in the form of sql/identity/rules.yaml.")
]
Examples = Annotated[int, typer.Option(min=0, help="How many examples of each kind are shown.")]
Audiences = Annotated[bool, typer.Option(help="Also build the segments and compare audiences.")]


def what_if(
    rules: Rules,
    as_of: AsOf = None,
    examples: Examples = 10,
    audiences: Audiences = True,
    show_values: ShowValues = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Who would join or part under other rules, and which audiences would move. Writes nothing."""
    from include.identity.rules import identity_rules
    from include.identity.whatif import what_if as compare

    if not rules.is_file():
        raise ConfigError(f"There is no file {rules}.")
    read = identity_rules(rules)
    with warehouse_connection() as conn:
        show = shower(conn, f"what-if of {rules.name}", by, unmasked=show_values)
        found = compare(conn, read, as_of=day(as_of), audiences=audiences, most=examples, show=show)
    if json:
        print_json(found)
        return
    _print(found)


def _print(found: "WhatIf") -> None:
    counts = found.counts
    print_line(f"{counts['persons_before']:,} persons would be {counts['persons_after']:,}.")
    print_line(
        f"{counts['persons_that_join']:,} would join into {counts['joined_persons']:,}; "
        f"{counts['persons_that_part']:,} would part into {counts['parts']:,}; "
        f"{counts['records_that_move']:,} records would be another person's."
    )
    if found.waiting:
        print_line(f"{found.waiting:,} changed records wait for a build; both sides count them in.")
    columns = ["person_id", "persons", "records", "of_persons", "links"]
    print_table("Would join (the largest)", columns, map(_row, found.joins), empty="nobody")
    print_table("Would part (the largest)", columns, map(_row, found.parts), empty="nobody")
    print_table(
        "Persons by records",
        ["up_to", "persons_before", "persons_after", "records_before", "records_after"],
        found.sizes,
        empty="there is no person",
    )
    if found.audiences is not None:
        print_table(
            "Audiences",
            ["destination", "audience", "before", "after", "added", "removed", "removed_by_merge"],
            found.audiences,
            empty="nobody is in any",
        )
    for segment, cause in found.not_built.items():
        print_line(f"{segment} could not be built, its audiences are left out: {cause}")
    print_line("Nothing was written.")


def _row(example: "Example") -> dict[str, Any]:
    more = (
        "" if example.persons <= len(example.of_persons) else f" … {example.persons - len(example.of_persons):,} more"
    )
    return {**vars(example), "of_persons": ", ".join(map(str, example.of_persons)) + more}
