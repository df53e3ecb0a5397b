"""The system from outside: the command that runs it, and what it leaves running."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from include.runtime.processes import TOKEN
from include.runtime.settings import ROOT


def make(command: str, home: Path, **choices: str) -> subprocess.CompletedProcess[str]:
    """Run what `make <command>` runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    at_once = {"AIRFLOW_VAR_ALERT_SETTLE_MINUTES": "0"}  # no clock runs that would tell a recovery later
    return subprocess.run(
        [sys.executable, "-m", "include.runtime", command],
        cwd=ROOT,
        env={**kept, **at_once, "AUDIENCEFLOW_HOME": str(home), "AUDIENCEFLOW_CLOCK": "off", **choices},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def still_running(token: str, leaders: list[psutil.Process]) -> list[str]:
    """Processes of a start that are still there; a pid that is another's by now is not, nor is one only not reaped."""
    found = []
    for process in [*(one for one in leaders if one.is_running()), *psutil.process_iter()]:
        try:
            ours = process in leaders or process.environ().get(TOKEN) == token
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def taken(ports: list[int]) -> list[int]:
    """Ports on which somebody listens."""
    found = []
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                found.append(port)
    return found
