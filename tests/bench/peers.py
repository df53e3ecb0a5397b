"""Environments of their own for what we are measured against: a peer's pins must not meet ours."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".run" / "bench"


def python_with(*requirements: str) -> Path:
    """The interpreter of an environment that holds exactly ``requirements`` and what they need.

    Made once below .run/bench/ and kept; half-made ones are made anew. Uses `uv` when it is there.

    :raises subprocess.CalledProcessError: the package index does not have them; its words are on stderr.
    """
    name = hashlib.sha256("\n".join((sys.version, *sorted(requirements))).encode()).hexdigest()[:12]
    environment = FOLDER / f"peer-{name}"
    python, stamp = environment / "bin" / "python", environment / "complete"
    if stamp.exists():
        return python
    shutil.rmtree(environment, ignore_errors=True)
    for command in _install(environment, python, requirements):
        subprocess.run(command, check=True, stdout=sys.stderr, env=_environment())
    stamp.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    return python


def _install(environment: Path, python: Path, requirements: tuple[str, ...]) -> list[list[str]]:
    if uv := shutil.which("uv"):
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(environment)],
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *requirements],
        ]
    return [
        [sys.executable, "-m", "venv", str(environment)],
        [str(python), "-m", "pip", "install", "--quiet", *requirements],
    ]


def _environment() -> dict[str, str]:
    """Without what ties a child to our own environment or keeps it from writing bytecode."""
    ours = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in ours}
