"""Settings, ports, state, the lock and the command's exit codes."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from include.errors import ConfigError, FatalError
from include.runtime import ports, settings, state
from include.runtime.lock import only_one
from include.runtime.settings import ROOT


def _read(tmp_path: Path, **choices: str) -> settings.Settings:
    return settings.read({"AUDIENCEFLOW_HOME": str(tmp_path), **choices})


def test_empty_variables_are_choices_nobody_made(tmp_path: Path) -> None:
    chosen = _read(tmp_path, CUSTOMERS="", DAY="", FILES="", STANDINS="")
    assert (chosen.customers, chosen.day, chosen.files, chosen.standins) == (None, None, (), True)


def test_folders_and_urls_are_joined_by_colons(tmp_path: Path) -> None:
    (tmp_path / "till").mkdir()
    chosen = _read(tmp_path, FILES=f"{tmp_path / 'till'}:s3://bucket/till:{tmp_path}")
    assert chosen.files == (str(tmp_path / "till"), "s3://bucket/till", str(tmp_path))


@pytest.mark.parametrize(
    ("choices", "word"),
    [
        ({"CUSTOMERS": "many"}, "CUSTOMERS=many"),
        ({"CUSTOMERS": "0"}, "CUSTOMERS=0"),
        ({"DAY": "1"}, "DAY=2"),
        ({"FILES": "/nowhere/at/all"}, "/nowhere/at/all"),
        ({"STANDINS": "maybe"}, "on (default) or off"),
        ({"STANDINS": "off", "DAY": "2"}, "STANDINS=off"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused_by_name(tmp_path: Path, choices: dict[str, str], word: str) -> None:
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, **choices)
    assert word in str(refused.value)


def test_a_state_keeps_its_number_of_customers(tmp_path: Path) -> None:
    assert state.settle(_read(tmp_path, CUSTOMERS="300")).customers == 300
    assert state.settle(_read(tmp_path)).customers == 300
    with pytest.raises(ConfigError, match="make clean"):
        state.settle(_read(tmp_path, CUSTOMERS="400"))


def test_invented_people_never_meet_real_accounts(tmp_path: Path) -> None:
    state.settle(_read(tmp_path))
    with pytest.raises(ConfigError, match="filled from the stand-ins"):
        state.settle(_read(tmp_path, STANDINS="off"))


def test_ports_stay_until_somebody_else_takes_one(tmp_path: Path) -> None:
    first = ports.choose(tmp_path / "ports.json")
    assert len(set(first.values())) == len(ports.NAMES)
    assert ports.choose(tmp_path / "ports.json") == first
    with socket.create_server(("127.0.0.1", first["airflow"])):
        second = ports.choose(tmp_path / "ports.json")
    assert second["airflow"] != first["airflow"]
    assert {name: port for name, port in second.items() if name != "airflow"} == {
        name: port for name, port in first.items() if name != "airflow"
    }


def test_two_commands_at_once_refuse_each_other(tmp_path: Path) -> None:
    with only_one(tmp_path / "lock", "make run"):
        refused = subprocess.run(
            [sys.executable, "-m", "include.runtime", "down"],
            cwd=ROOT,
            env={**os.environ, "AUDIENCEFLOW_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert refused.returncode == 1
    assert "`make run` is at work" in refused.stdout
    assert str(os.getpid()) in refused.stdout


def test_a_lock_whose_holder_was_killed_is_free(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from include.runtime.lock import only_one\n"
        "with only_one(Path(sys.argv[1]), 'make run'):\n    print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(FatalError), only_one(tmp_path / "lock", "make up"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with only_one(tmp_path / "lock", "make up"):
        assert "make up" in (tmp_path / "lock").read_text()


def test_the_command_refuses_a_bad_choice_with_2(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "include.runtime", "run"],
        cwd=ROOT,
        env={**os.environ, "AUDIENCEFLOW_HOME": str(tmp_path), "CUSTOMERS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, "CUSTOMERS=many" in refused.stdout) == (2, True)
