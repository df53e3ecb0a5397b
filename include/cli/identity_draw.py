"""``identity draw P --out file.svg``."""

from pathlib import Path
from typing import Annotated

import typer

from include.cli.app import warehouse_connection
from include.cli.identity_ends import By, EndName, ShowValues, end, one_person, shower
from include.cli.output import print_line

Out = Annotated[Path, typer.Option("--out", help="File to write: .svg or .png.", dir_okay=False)]


def draw(person: EndName, out: Out, show_values: ShowValues = False, by: By = None) -> None:
    """Draw one person's records, what they carry, and which links were dropped and why; values masked."""
    from include.identity.graph import graph_of
    from include.identity.picture import check_path
    from include.identity.picture import draw as draw_graph

    check_path(out)
    with warehouse_connection() as conn:
        person_id = one_person(end(conn, person))
        show = shower(conn, f"picture of person {person_id}", by, unmasked=show_values)
        graph = graph_of(conn, person_id, show=show)
    draw_graph(graph, out)
    print_line(
        f"{out}: {len(graph.records):,} records, {len(graph.identifiers):,} identifiers, {len(graph.lines):,} links"
        + (
            f"; {graph.of_records:,} records in all, the oldest are drawn"
            if len(graph.records) < graph.of_records
            else ""
        )
    )
