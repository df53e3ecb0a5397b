"""``identity …``: why records are one person or not, and what a person decides about it."""

import typer

from include.cli import identity_draw, identity_explain, identity_pins, identity_whatif

commands = typer.Typer(no_args_is_help=True, help="Who is one person, why, and what was decided by hand.")
commands.add_typer(identity_explain.explain, name="explain")
commands.command("draw")(identity_draw.draw)
commands.command("merge")(identity_pins.merge)
commands.command("split")(identity_pins.split)
commands.command("undo")(identity_pins.undo)
commands.command("pins")(identity_pins.list_pins)
commands.command("whatif")(identity_whatif.what_if)
