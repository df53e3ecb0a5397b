"""``health``: whether anybody still watches, for whoever stands outside Airflow: cron, a container's health check."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from include.cli.app import Json, warehouse_connection
from include.cli.output import print_json, print_table


def health(
    airflow: Annotated[str | None, typer.Option(help="Address of Airflow's web server: asks its parts too.")] = None,
    within: Annotated[int, typer.Option(min=1, help="Minutes a sign of life may be old.")] = 30,
    json: Json = False,
) -> None:
    """Exit 0 when `watch` ran lately, its notices went out and (with --airflow) Airflow's parts are alive; 1 when not,
    2 when the warehouse does not answer. Needs no living scheduler."""
    from include import heartbeat

    with warehouse_connection() as conn:
        signs = heartbeat.look(conn, at=datetime.now(UTC), within=timedelta(minutes=within))
    signs += heartbeat.airflow(airflow) if airflow else []
    rows = [vars(sign) for sign in signs]
    if json:
        print_json(rows)
    else:
        print_table("Signs of life", ["part", "well", "text"], rows, empty="none")
    if not all(sign.well for sign in signs):
        raise typer.Exit(1)
