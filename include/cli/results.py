"""``results draw``: the pages of the quality gate's results, drawn anew."""

from pathlib import Path
from typing import Annotated

import typer

from include.cli.app import home, warehouse_connection
from include.cli.output import print_line

commands = typer.Typer(no_args_is_help=True, help="Pages of what the quality gate found.")


@commands.callback()
def _group() -> None:
    """Keeps `draw` a command of its own."""


@commands.command("draw")
def draw_pages(
    to: Annotated[
        str | None, typer.Option(help="Folder or fsspec URL; that of the running system when left out.")
    ] = None,
    checks: Annotated[int, typer.Option(min=1, help="Checks of each suite, the newest first.")] = 60,
) -> None:
    """Draw every page from the stored results, as for a folder that was lost or is another's."""
    from include.results import draw
    from include.results.store import PageFolder

    folder = to or str(home() / "results")
    with warehouse_connection() as conn:
        drawn = draw.draw_all(conn, PageFolder(folder), most=checks)
    print_line(f"{drawn} pages in {folder}: open {Path(folder) / draw.INDEX if '://' not in folder else draw.INDEX}")
