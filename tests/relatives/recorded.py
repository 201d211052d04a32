"""The recorded whole runs of LeaderWorkerSet and kthena: names of pods, and what a watch saw of them."""

from __future__ import annotations

import re
from typing import Any

from relatives.lives import Life, Place, Run

Case = dict[str, Any]
#: `m-0` leads group 0, `m-0-1` is its first worker.
_OF_LWS = re.compile(r"m-(\d+)(?:-(\d+))?")
#: `m-0-prefill-1-2` is the third pod of the second replica of role prefill in group 0.
_OF_KTHENA = re.compile(r"m-(\d+)-(\w+)-(\d+)-(\d+)")


def place_of(name: str) -> Place | None:
    """Where a pod of this name stands; None: it is no pod of a group."""
    if (of_kthena := _OF_KTHENA.fullmatch(name)) is not None:
        ordinal, role, replica, index = of_kthena.groups()
        return Place(int(ordinal), f"{role}-{replica}", int(index))
    if (of_lws := _OF_LWS.fullmatch(name)) is not None:
        ordinal, worker = of_lws.groups()
        return Place(int(ordinal), "leader" if worker is None else "worker", int(worker or 1) - 1)
    return None


def run_of(case: Case, name: str) -> Run:
    """One of the case's runs."""
    lives: dict[str, Life] = {}
    made: list[Life] = []
    for at, subject, what in case["runs"][name]:
        if what.startswith("created ") and (place := place_of(subject.partition("#")[0])) is not None:
            lives[subject] = Life(place, what.split()[-1], at)
            made.append(lives[subject])
        elif (life := lives.get(subject)) is not None:
            _follow(life, at, what)
    return Run(made)


def _follow(life: Life, at: int, what: str) -> None:
    if what == "Ready=True":
        life.ready.append(at)
    elif what.startswith("Ready=False") and life.ready and life.deleted is None:
        life.unready.append(at)
    elif what.startswith("deleting") and life.deleted is None:
        life.deleted = at
    elif what == "gone":
        life.gone = at
        life.deleted = at if life.deleted is None else life.deleted
