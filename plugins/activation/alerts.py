"""Alerts from Airflow: by mail, Slack and a webhook of your own, to the owner, when a state is news.

The text is made of names, counts and the project's own error texts, which never carry a value from a row;
of any other exception only the class is told.
"""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import psycopg
from airflow.sdk import BaseHook, BaseNotifier, Variable
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowNotFoundException

from activation import result_pages
from activation.hooks.warehouse import WarehouseHook
from include import alerts, heartbeat
from include.alert_channels import Channel, SlackChannel, SmtpChannel, WebhookChannel
from include.destinations.webhook_signature import Signature
from include.errors import AudienceflowError, AuthError, ConfigError, QuotaError, RetriableError
from include.ledger.watch import State

log = logging.getLogger(__name__)
SETTLE_MINUTES = 15  # variable alert_settle_minutes: how long a recovery lasts before it is told
REMIND_HOURS = 24  # variable alert_remind_hours: after how long who still fails is told again; 0: never


def channels(
    smtp_conn_id: str = "smtp_default",
    slack_conn_id: str = "slack_default",
    webhook_conn_id: str = "alert_webhook_default",
) -> list[Channel]:
    """The channels that have a connection; an alert without any is only recorded.

    ``smtp_default``: host, port, login, password; extra ``{"from": "…", "to": "…", "owners": {"crm": [""]}, "starttls":
    true}``. An owner without an entry (who is no address) is written to at ``to``.
    ``slack_default``: host is the base URL, password the path behind it (``services/T…/B…/…``); extra ``{"mentions":
    {"crm": "S0123"}}`` calls an owner's group by name.
    ``alert_webhook_default``: host is the whole URL, password the signing secret (``whsec_…``); see docs/alerts.md.
    """
    found: list[Channel] = []
    for conn_id, make in ((smtp_conn_id, _mail), (slack_conn_id, _slack), (webhook_conn_id, _webhook)):
        try:
            found.append(make(BaseHook.get_connection(conn_id)))
        except AirflowNotFoundException:
            log.info("No connection %s: alerts do not go there.", conn_id)
        except ConfigError as error:
            log.warning("Alerts do not go to %s: %s", conn_id, error)
    return found


def _mail(conn: Any) -> SmtpChannel:
    extra = conn.extra_dejson
    return SmtpChannel(
        host=conn.host,
        port=conn.port or 25,
        sender=extra.get("from", "audienceflow@localhost"),
        recipients=extra.get("owners", {}),
        default_recipient=extra.get("to", "root@localhost"),
        user=conn.login,
        password=conn.password,
        tls=bool(extra.get("starttls", False)),
    )


def _slack(conn: Any) -> SlackChannel:
    url = f"{conn.host.rstrip('/')}/{(conn.password or '').lstrip('/')}"
    return SlackChannel(url, conn.extra_dejson.get("mentions", {}))


def _webhook(conn: Any) -> WebhookChannel:
    return WebhookChannel(conn.host, Signature(conn.password or ""))


def policy() -> alerts.Policy:
    """When people hear of a state, by Airflow's variables."""
    settle = float(Variable.get("alert_settle_minutes", default=SETTLE_MINUTES))
    remind = float(Variable.get("alert_remind_hours", default=REMIND_HOURS))
    return alerts.Policy(timedelta(minutes=settle), timedelta(hours=remind) if remind > 0 else None)


def tell(conn: psycopg.Connection, **notice: Any) -> None:
    """`include.alerts.notify` on all channels; a channel that is down gets it later and fails no task."""
    _tell(conn, [notice])


def tell_states(conn: psycopg.Connection, states: Iterable[State], link: str | None = None) -> None:
    """The same for several states, which all link to one page of Airflow's."""
    _tell(conn, [{**asdict(state), "link": link} for state in states])


def news(conn: psycopg.Connection, states: Iterable[State]) -> list[State]:
    """The states that people may have to hear of: of hundreds of steps, those that fail or did so far."""
    failing = set(alerts.still_failing(conn, ""))
    return [state for state in states if state.failing or state.subject in failing]


def sweep(conn: psycopg.Connection) -> None:
    """Tell what time alone made news; a channel that is down gets it later."""
    try:
        alerts.sweep(conn, channels=channels(), policy=policy())
    except RetriableError as error:
        log.warning("An alert waits in ops.alert_outbox: %s", error)


def beat(conn: psycopg.Connection, at: datetime, heartbeat_conn_id: str = "heartbeat_default") -> None:
    """Ping the monitor that raises the alarm when Airflow has stopped; without its connection there is none.

    ``heartbeat_default``: host is the whole URL, as `https://hc-ping.com/…`; or the password, where it is to be masked.
    """
    try:
        found = BaseHook.get_connection(heartbeat_conn_id)
    except AirflowNotFoundException:
        return
    signs = [sign for sign in heartbeat.look(conn, at=at) if sign.part != "watch"]
    signs.append(heartbeat.Sign("watch", True, "at work"))  # this one
    try:
        heartbeat.ping(found.password or found.host, signs)
    except RetriableError as error:
        log.warning("%s", error)


def _tell(conn: psycopg.Connection, notices: list[dict[str, Any]]) -> None:
    if not notices:
        return
    ways, when = channels(), policy()
    for notice in notices:
        try:
            alerts.notify(conn, channels=ways, policy=when, **notice)
        except RetriableError as error:
            log.warning("An alert waits in ops.alert_outbox: %s", error)


def causes(task: object, error: BaseException | None) -> tuple[str, ...]:
    """What a failed task has in common with others: what its error says was told, and the platform that is at fault.

    ``hubspot: credentials`` fails all landings, the sync and the check of the connection alike.
    """
    told = getattr(error, "causes", ())
    platform = getattr(task, "platform", None)
    if platform is None:
        return told
    kinds = (("credentials", AuthError), ("quota", QuotaError), ("no answer", RetriableError))
    fault = next((name for name, kind in kinds if isinstance(error, kind)), None)
    return told if fault is None else (*told, f"{platform}: {fault}")


def _summary(context: Context, failing: bool) -> str:
    if not failing:
        return "works again"
    error = context.get("exception")
    return str(error) if isinstance(error, AudienceflowError) else f"failed with {type(error).__name__}"


class StateChangeNotifier(BaseNotifier):
    """Tell a task's owner when it begins to fail and when it works again; silent in between, but for reminders.

    :param failing: what the task's end means: True as ``on_failure_callback``, False as ``on_success_callback``.
    """

    def __init__(self, *, failing: bool) -> None:
        super().__init__()
        self.failing = failing

    def notify(self, context: Context) -> None:
        """Send what is news; a channel that is down does not change the task's outcome."""
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
                page=result_pages.page_of(conn, ti),
                causes=causes(task, error) if self.failing else (),
            )
