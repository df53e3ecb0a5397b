"""Whom dropped audience files name, read as somebody who fetches them would: by the manifest, file after file."""

import csv
import io
import json
from pathlib import Path
from typing import Any


def members(root: Path) -> dict[str, list[str]]:
    """Identifiers by audience, of CSV drops below a folder of this machine."""
    held: dict[str, list[str]] = {}
    for manifest in sorted(root.glob("*/manifest.json")):
        announced = json.loads(manifest.read_text(encoding="utf-8"))
        held[announced["audience"]] = sorted(_identifiers(manifest.parent, announced["files"]))
    return held


def _identifiers(folder: Path, files: list[dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    for file in files:
        text = (folder / file["name"]).read_text(encoding="utf-8")
        rows = csv.DictReader(io.StringIO(text, newline=""))
        named = {row[column] for row in rows for column in ("email", "phone") if row.get(column)}
        match file["operation"]:
            case "everybody":
                found = named
            case "removed":
                found -= named
            case _:
                found |= named
    return found
