"""What is asked for in a scenario and moves no pod: other objects, and a KubeInfer's Services, are made or changed."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kubeinfer_sim.manifest.diff import Change, Effect, diff
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.names_apart import full_name
from kubeinfer_sim.manifest.object_diff import Key, is_compared, object_diff
from kubeinfer_sim.scenario.actions.model import Apply, DeleteObject, Put
from kubeinfer_sim.scenario.model import Scenario


class OtherChange(Struct, frozen=True):
    """One object that is made, changed or deleted as somebody wishes.

    Attributes:
        what: what becomes of it: `PodDisruptionBudget prod/b changes`.
        changes: in which fields; none of one that is made or deleted.
    """

    what: str
    changes: tuple[Change, ...] = ()


def other_changes(scenario: Scenario) -> tuple[OtherChange, ...]:
    """All of them in order of time."""
    return tuple(_changes(scenario))


def _changes(scenario: Scenario) -> Iterator[OtherChange]:
    objects = {Key(*each.key): each.raw for each in scenario.objects}
    kubeinfers = {each.name: each for each in scenario.workloads if isinstance(each, KubeInfer)}
    for action in scenario.actions:
        match action:
            case Put(object=made):
                key = Key(*made.key)
                if key not in objects:
                    yield OtherChange(f"{key} is created")
                elif is_compared(made.kind):
                    for each in object_diff({key: objects[key]}, {key: made.raw}):
                        yield OtherChange(f"{key} changes", each.changes)
                objects[key] = made.raw
            case DeleteObject(object=gone):
                objects.pop(Key(*gone.key), None)
                yield OtherChange(f"{Key(*gone.key)} is deleted")
            case Apply(workload=KubeInfer() as new) if new.name in kubeinfers:
                (difference,) = diff([kubeinfers[new.name]], [new])
                services = tuple(each for each in difference.changes if each.effect is Effect.SERVICES)
                if services:
                    yield OtherChange(f"the Services of KubeInfer {full_name(new)} change", services)
                kubeinfers[new.name] = new
