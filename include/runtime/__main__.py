"""``python -m include.runtime run|up|down|clean``: what `make run`, `make up`, `make down` and `make clean` call.

Exit codes: 0 all is well; 1 the run ended and its report does not hold, or something failed; 2 a choice that
cannot be meant; 128 + n ended by signal n, with everything stopped.
"""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack

from include.errors import AudienceflowError, ConfigError
from include.runtime import airflow_config, interrupts, settings
from include.runtime.lock import only_one
from include.runtime.pipeline import end_stale_runs
from include.runtime.progress import Progress
from include.runtime.run import run_chain
from include.runtime.settings import Settings
from include.runtime.system import System, dag_ids

KEPT_BY_CLEAN = {"venv", "venv.stamp", "bench", "lock", "cache"}


def up(chosen: Settings, progress: Progress) -> int:
    """Start everything and leave it running."""
    system = System(chosen, progress.say)
    if not system.is_up():
        with ExitStack() as on_failure:
            on_failure.callback(_stop, system, progress)
            system.start("up")
            on_failure.pop_all()
    progress.say(
        f"Airflow    {system.addresses.airflow}  (user {airflow_config.USER}, password {system.private.admin_password})"
    )
    progress.say(f"warehouse  WAREHOUSE_URL in {system.home / 'env'}")
    if system.addresses.standins:
        progress.say(f"stand-ins  {system.addresses.standins}/_control/health")
    progress.say("DAGs are paused until `make run` or you unpause them. `make down` stops everything.")
    return 0


def run(chosen: Settings, progress: Progress) -> int:
    """Run the whole chain and report; starts and stops the system unless `make up` has it running."""
    system = System(chosen, progress.say)
    if system.is_up():
        progress.say(f"using what `make up` started: {system.addresses.airflow}")
        return run_chain(system, progress)
    with ExitStack() as always:
        always.callback(_stop, system, progress)
        system.start("run")
        if ended := end_stale_runs(system.api, dag_ids()):
            progress.say(f"ended {ended} runs that an interrupted start had left open")
        return run_chain(system, progress)


def down(chosen: Settings, progress: Progress) -> int:
    """Stop everything of this home, whoever started it."""
    _stop(System(chosen, progress.say), progress)
    return 0


def clean(chosen: Settings, progress: Progress) -> int:
    """Stop everything and delete the state: warehouse, ledger, stand-ins, Airflow. Environments stay."""
    down(chosen, progress)
    for path in chosen.home.iterdir():
        if path.name in KEPT_BY_CLEAN:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    progress.say(f"deleted the state in {chosen.home}")
    return 0


def _stop(system: System, progress: Progress) -> None:
    with interrupts.ignored():
        progress.say("stopping everything")
        system.stop()
        progress.say("stopped; nothing is left running")


COMMANDS: dict[str, Callable[[Settings, Progress], int]] = {"run": run, "up": up, "down": down, "clean": clean}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.stderr.write(f"usage: python -m include.runtime {'|'.join(COMMANDS)}\n")
        return 2
    progress = Progress()
    try:
        chosen = settings.read(os.environ)
        with interrupts.raised(), only_one(chosen.home / "lock", f"make {arguments[0]}"):
            return COMMANDS[arguments[0]](chosen, progress)
    except interrupts.Interrupted as interrupted:
        progress.say(str(interrupted))
        return interrupted.exit_code
    except AudienceflowError as error:
        progress.fail(str(error))
        return 2 if isinstance(error, ConfigError) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
