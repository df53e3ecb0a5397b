"""Alerts from Airflow: one notice per change of a task's state, by mail and Slack.

The text is made of names, counts and the project's own error texts, which never carry a value from a row;
of any other exception only the class is told.
"""

import logging
from typing import Any

import psycopg
from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowNotFoundException

from activation.hooks.warehouse import WarehouseHook
from include import alerts
from include.errors import AudienceflowError, RetriableError

log = logging.getLogger(__name__)


def channels(smtp_conn_id: str = "smtp_default", slack_conn_id: str = "slack_default") -> list[alerts.Channel]:
    """The channels that have a connection; an alert without any is only recorded.

    ``smtp_default``: host, port, login, password; extra ``{"from": "…", "to": "…", "owners": {"crm": [""]}, "starttls":
    true}``. An owner without an entry (who is no address) is written to at ``to``.
    ``slack_default``: host is the base URL, password the path behind it (``services/T…/B…/…``).
    """
    found: list[alerts.Channel] = []
    for conn_id, make in ((smtp_conn_id, _mail), (slack_conn_id, _slack)):
        try:
            found.append(make(BaseHook.get_connection(conn_id)))
        except AirflowNotFoundException:
            log.info("No connection %s: alerts do not go there.", conn_id)
    return found


def _mail(conn: Any) -> alerts.SmtpChannel:
    extra = conn.extra_dejson
    return alerts.SmtpChannel(
        host=conn.host,
        port=conn.port or 25,
        sender=extra.get("from", "audienceflow@localhost"),
        recipients=extra.get("owners", {}),
        default_recipient=extra.get("to", "root@localhost"),
        user=conn.login,
        password=conn.password,
        tls=bool(extra.get("starttls", False)),
    )


def _slack(conn: Any) -> alerts.SlackChannel:
    return alerts.SlackChannel(f"{conn.host.rstrip('/')}/{(conn.password or '').lstrip('/')}")


def tell(conn: psycopg.Connection, **notice: Any) -> None:
    """`include.alerts.notify` on all channels; a channel that is down gets it later and fails no task."""
    try:
        alerts.notify(conn, channels=channels(), **notice)
    except RetriableError as error:
        log.warning("An alert waits in ops.alert_outbox: %s", error)


def _summary(context: Context, failing: bool) -> str:
    if not failing:
        return "works again"
    error = context.get("exception")
    return str(error) if isinstance(error, AudienceflowError) else f"failed with {type(error).__name__}"


class StateChangeNotifier(BaseNotifier):
    """Tell a task's owner when it begins to fail and when it works again; silent in between.

    :param failing: what the task's end means: True as ``on_failure_callback``, False as ``on_success_callback``.
    """

    def __init__(self, *, failing: bool) -> None:
        super().__init__()
        self.failing = failing

    def notify(self, context: Context) -> None:
        """Send at most one notice a channel; a channel that is down does not change the task's outcome."""
        task = context["task"]
        ti = context["ti"]
        error = context.get("exception")
        with WarehouseHook().open() as conn:
            tell(
                conn,
                subject=f"{ti.dag_id}.{ti.task_id}",
                failing=self.failing,
                owner=getattr(error, "owner", None) or task.owner,
                summary=_summary(context, self.failing),
                link=getattr(ti, "log_url", None),
            )
