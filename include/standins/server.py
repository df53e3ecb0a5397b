"""The stand-ins' server: all platforms under one port, each below its prefix, and a mail receiver.

``python -m include.standins.server --folder F --port P --smtp-port Q --customers N --seed S`` prints one line of
JSON when it is ready and stops on TERM, INT or, with ``--until-eof``, when its standard input is closed. State is
kept in the folder; the merchant is generated when the folder is empty.
"""

import asyncio
import importlib
import os
import shutil
import signal
import socket
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType

import orjson
import uvicorn
from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.routing import Mount, Router

from include.standins import alerts
from include.standins.control import Control, MovableClock
from include.standins.faults import FaultPlan
from include.standins.kit import TOKENS, Context, Store
from include.standins.request_log import RequestLog
from include.standins.serving import BreakableProtocol, PlatformApp, plain_fault_answer

PLATFORMS = (
    *("hubspot", "shopify", "woocommerce", "mailchimp", "meta", "klaviyo", "brevo", "google", "tiktok"),
    *("slack", "webhook", "matomo", "ga4", "salesforce"),
)
HOST = "127.0.0.1"
FIRST_STATE = "first_state.sqlite"


def open_store(
    folder: Path,
    *,
    customers: int,
    seed: int,
    platforms: Sequence[str] = PLATFORMS,
    drops: Path | None = None,
    resettable: bool = False,
) -> Store:
    """The store in ``folder``; with the merchant of that many customers in it when there was none.

    :param drops: where the till's exports are put, for the merchant.
    :param resettable: keep a copy of the first state for ``/_control/reset``.

    It is generated into a file of another name, so that an interrupted start leaves nothing half-made behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "merchant.sqlite"
    if not path.exists():
        for leftover in folder.glob("*.sqlite*"):
            leftover.unlink()
        made = Store(folder / "making.sqlite", scratch=True)
        if customers:
            importlib.import_module("include.standins.merchant").generate(
                made, customers=customers, seed=seed, drops=drops
            )
        _prepare(made, platforms)
        made.set_setting("customers", customers)
        made.set_setting("seed", seed)
        made.close()
        if resettable:
            shutil.copyfile(folder / "making.sqlite", folder / FIRST_STATE)
        (folder / "making.sqlite").rename(path)
    store = Store(path)
    _prepare(store, platforms)
    return store


def _prepare(store: Store, platforms: Sequence[str]) -> None:
    """Open the account of each platform that has none: all in a new store, in an older one those that came since."""
    for name in platforms:
        prepare = getattr(importlib.import_module(f"include.standins.{name}"), "prepare", None)
        if prepare is not None and store.get_setting(f"{name}.account") is None:
            prepare(store, int(time.time() * 1000))


def make_app(
    context: Context,
    clock: MovableClock,
    first_state: Path,
    smtp_port: int,
    platforms: Sequence[str] = PLATFORMS,
    host: str = HOST,
) -> Starlette:
    """The application: a mount for each platform, ``/_control``, and the mail receiver while it runs."""
    modules = {name: importlib.import_module(f"include.standins.{name}") for name in platforms}
    apps = {name: platform_app(name, module, context) for name, module in modules.items()}
    control = Control(context, clock, modules, first_state, renew=[app.renew for app in apps.values()])
    mounts = [Mount(f"/{name}", app=app) for name, app in apps.items()]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        receiver = partial(SMTP, alerts.MailReceiver(context), enable_SMTPUTF8=True)
        mail = await asyncio.get_running_loop().create_server(receiver, host, smtp_port)
        yield
        mail.close()
        context.store.close()
        context.log.close()

    return Starlette(routes=[*mounts, Mount("/_control", routes=control.routes())], lifespan=lifespan)


def platform_app(name: str, module: ModuleType, context: Context) -> PlatformApp:
    """A platform's application with faults, limits and the log around it; without the prefix it is mounted under."""
    return PlatformApp(
        name,
        lambda: Router(module.routes(context)),
        context,
        fault_answer=getattr(module, "fault_answer", plain_fault_answer),
        connections=getattr(module, "CONNECTIONS_AT_ONCE", None),
    )


class AnnouncingServer(uvicorn.Server):
    """Says on standard output when it answers, and may stop when standard input ends."""

    def __init__(self, config: uvicorn.Config, announcement: dict, *, until_eof: bool) -> None:
        super().__init__(config)
        self._announcement = announcement
        self._until_eof = until_eof

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self._until_eof:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._on_input)
        sys.stdout.write(orjson.dumps(self._announcement).decode() + "\n")
        sys.stdout.flush()

    def _on_input(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            self.should_exit = True
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


def serve(options: Namespace) -> None:
    """Run until told to stop."""
    folder = Path(options.folder)
    platforms = options.platforms.split(",")
    store = open_store(
        folder,
        customers=options.customers,
        seed=options.seed,
        platforms=platforms,
        drops=Path(options.drops) if options.drops else None,
        resettable=options.resettable,
    )
    clock = MovableClock(time.time)
    log = RequestLog(folder / "requests.sqlite", answers=options.answers, secrets=TOKENS.values())
    context = Context(store, log, FaultPlan(), clock=clock)
    listener = socket.create_server((options.host, options.port), backlog=256)
    smtp_port = options.smtp_port or _free_port()
    app = make_app(context, clock, folder / FIRST_STATE, smtp_port, platforms, options.host)
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=75,
    )
    announcement = {
        "url": f"http://{HOST}:{listener.getsockname()[1]}",
        "smtp_port": smtp_port,
        "customers": store.get_setting("customers"),
        "day": store.get_setting("day"),
    }
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises what it caught once more when it has stopped
    AnnouncingServer(config, announcement, until_eof=options.until_eof).run(sockets=[listener])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m include.standins.server", description="The platforms' stand-ins.")
    parser.add_argument("--folder", required=True, help="where the state is kept")
    parser.add_argument("--host", default=HOST, help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--customers", type=int, default=5000, help="size of the merchant at the first start; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--platforms", default=",".join(PLATFORMS), help="comma-separated")
    parser.add_argument("--drops", help="folder for the till's exports; none are written without")
    parser.add_argument("--resettable", action="store_true", help="keep the first state, for /_control/reset")
    parser.add_argument("--answers", choices=("all", "refusals"), default="all", help="which answers the log keeps")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input is closed")
    serve(parser.parse_args(arguments))


if __name__ == "__main__":
    main()
