"""The cases that are known to differ, one a line in `not_yet.txt`: its id and why. A case that agrees must not stand there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("not_yet.txt")


@cache
def not_yet(file: Path = FILE) -> Mapping[str, str]:
    """Reason by id."""
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = [tuple(line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]
    return dict(pairs)


def write_not_yet(differing: Mapping[str, str], file: Path = FILE) -> None:
    """Keep the reasons of cases that are there already."""
    known = not_yet(file)
    head = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    lines = [f"{case:<18} {known.get(case, reason)}" for case, reason in differing.items()]
    file.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
