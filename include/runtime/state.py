"""What this home was begun with: a state made for one merchant must not meet another one's platforms."""

import json
from dataclasses import asdict, dataclass

from include.errors import ConfigError
from include.runtime.settings import DEFAULT_CUSTOMERS, Settings


@dataclass(frozen=True)
class State:
    """Chosen at the first start, the same ever after.

    :param customers: size of the generated merchant; 0 with real accounts.
    """

    standins: bool
    customers: int


def settle(settings: Settings) -> State:
    """The state of this home; at the first start the choices become it.

    :raises ConfigError: the choices fit another state; says how to go on with this one or begin anew.
    """
    path = settings.home / "state.json"
    if not path.exists():
        state = State(settings.standins, (settings.customers or DEFAULT_CUSTOMERS) if settings.standins else 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(state)) + "\n", encoding="utf-8")
        return state
    state = State(**json.loads(path.read_text(encoding="utf-8")))
    if state.standins != settings.standins:
        raise ConfigError(_crossed(state))
    if settings.customers not in (None, state.customers):
        raise ConfigError(
            f"CUSTOMERS={settings.customers}, but the merchant here has {state.customers}. Leave CUSTOMERS out to go "
            "on with it, or `make clean` to begin anew (deletes warehouse, ledger and stand-ins)."
        )
    return state


def _crossed(state: State) -> str:
    """Invented people must never reach a real platform, nor real ones a stand-in's log."""
    here, given = ("the stand-ins", "off") if state.standins else ("real accounts", "on")
    keep = "without STANDINS" if state.standins else "with STANDINS=off"
    return (
        f"STANDINS={given}, but the warehouse here was filled from {here}. Go on {keep}, or `make clean` to begin "
        "anew, or name another folder in AUDIENCEFLOW_HOME."
    )
