"""What a person chose for this run, and where everything lies.

Choices come as environment variables, which `make` sets from `make run CUSTOMERS=5000 DAY=2 FILES=exports`.
An empty variable is one that was not given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from include.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_CUSTOMERS = 5000
MOST_CUSTOMERS = 1_000_000
SEED = 20_261_101  # of the generated merchant; the truth of tests depends on it


@dataclass(frozen=True)
class Settings:
    """One run's choices.

    :param home: the one folder everything lives in; `.run` of the project unless AUDIENCEFLOW_HOME names another.
    :param customers: size of the generated merchant, or None when nobody said.
    :param day: the day of changes to apply first, or None.
    :param files: further folders (or fsspec URLs) whose files are landed.
    :param standins: whether this machine plays the platforms.
    :param environment: what child processes inherit.
    """

    home: Path
    customers: int | None = None
    day: int | None = None
    files: tuple[str, ...] = ()
    standins: bool = True
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def drops(self) -> Path:
        """Where the generated merchant's till leaves its files, and where anybody may put more."""
        return self.home / "standins" / "drops"

    @property
    def report(self) -> Path:
        return self.home / "report.json"


def read(environment: Mapping[str, str]) -> Settings:
    """The choices an environment holds.

    :raises ConfigError: a choice that cannot be meant; names the variable and what it takes.
    """
    home = Path(environment.get("AUDIENCEFLOW_HOME") or ROOT / ".run").resolve()
    standins = (environment.get("STANDINS") or "on").lower()
    if standins not in ("on", "off"):
        raise ConfigError(f"STANDINS={standins} is not a choice; it is on (default) or off.")
    customers = _number(environment, "CUSTOMERS", MOST_CUSTOMERS)
    day = _number(environment, "DAY", 1000)
    if standins == "off" and (customers or day):
        raise ConfigError("CUSTOMERS and DAY shape the generated merchant; with STANDINS=off there is none.")
    if day == 1:
        raise ConfigError("DAY=1 is there from the start; the first day of changes is DAY=2.")
    return Settings(
        home=home,
        customers=customers,
        day=day,
        files=_folders(environment.get("FILES") or ""),
        standins=standins == "on",
        environment=dict(environment),
    )


def _number(environment: Mapping[str, str], name: str, most: int) -> int | None:
    text = environment.get(name) or ""
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ConfigError(f"{name}={text} is not a choice; it is a whole number from 1 to {most:,}.")
    return int(text)


def _folders(text: str) -> tuple[str, ...]:
    """Folders joined by colons; the colon of a URL (``s3://…``) joins nothing."""
    parts: list[str] = []
    for part in text.split(":"):
        if part.startswith("//") and parts:
            parts[-1] += f":{part}"
        elif part:
            parts.append(part)
    missing = [part for part in parts if "://" not in part and not Path(part).exists()]
    if missing:
        raise ConfigError(f"FILES names {missing[0]}, which does not exist; give folders or URLs joined by colons.")
    return tuple(part if "://" in part else str(Path(part).resolve()) for part in parts)
