"""How each action is written, by its name; and which one is, with the object it names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.model import KINDS_WITH_TEMPLATES
from kubeinfer_sim.testing.strategies.actions.then import Then
from kubeinfer_sim.testing.strategies.faults import strikes_pods
from kubeinfer_sim.testing.strategies.values import Draw, maybe, pick
from kubeinfer_sim.testing.strategies.workloads import Workload
from kubeinfer_sim.testing.strategies.written import Raw

Make = Callable[[Draw, Then], Any]
OWNERS = KINDS_WITH_TEMPLATES
ALL = (*OWNERS, "Pod")


class Action(Struct, frozen=True):
    """How an action is written; `of`: the kinds of objects it may name, none where it names none."""

    make: Make
    of: tuple[str, ...] = ()


ACTIONS: dict[str, Action] = {}


def action(name: str, *of: str) -> Callable[[Make], Make]:
    """The function that follows writes this action."""

    def register(make: Make) -> Make:
        ACTIONS[name] = Action(make, of)
        return make

    return register


def draw_action(draw: Draw, then: Then, name: str | None = None) -> Raw | None:
    """An action at `then.at` ms, the one named or any; None where the one drawn could mean nothing."""
    # What somebody has to end: one of all actions by chance would hardly ever be the one that does.
    awaited = _awaited(then)
    if name is None:
        name = pick(draw, awaited) if awaited and maybe(draw, 40) else pick(draw, tuple(ACTIONS))
    row = ACTIONS[name]
    written: Raw = {"at": f"{then.at}ms" if then.at % 1000 else f"{then.at // 1000}s"}
    alone = ""
    if row.of:
        there = then.of_kind(*row.of)
        if name in awaited:
            there = [each for each in there if _waits(each, name, then)]
        if not there:
            return None
        then.named = pick(draw, there)
        alone = f"{then.named.kind}/{then.named.name}"
        # What actions have created may be meant as well.
        if then.creations or then.named is not _only(then.workloads) or maybe(draw, 20):
            written["object"] = alone
    then.object = ""
    made = row.make(draw, then)
    if made is None:
        return None
    if then.object:
        written["object"] = then.object
    if name == "fault" and not strikes_pods(made):
        written.pop("object", None)
        alone = ""
    if alone and "object" not in written:
        then.unnamed.append((written, alone))
    written[name] = made
    return written


#: The fields of pods that hold them until an action of this name lets them go.
_HELD_BY = {"setGate": "schedulingGates", "setReadinessGate": "readinessGates"}


def _awaited(then: Then) -> list[str]:
    """The actions that end what waits for one."""
    return [
        name for name in ("resume", *_HELD_BY) if any(_waits(each, name, then) for each in then.workloads)
    ]


def _waits(workload: Workload, action: str, then: Then) -> bool:
    if action == "resume":
        return workload.kind == "Deployment" and workload.name in then.paused
    return any(_HELD_BY[action] in each["spec"] for each in workload.templates.values())


def _only(workloads: list[Workload]) -> Workload | None:
    """The one that an action means that names none."""
    for kind in ALL:
        if there := [each for each in workloads if each.kind == kind]:
            return there[0] if len(there) == 1 else None
    return None
