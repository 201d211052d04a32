"""Which pods the target of an action means."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from kubeinfer_sim.cluster.kubelet.start_faults import StartFaults
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.scenario.actions.model import Action, StartFault, Target
from kubeinfer_sim.scenario.units import format_duration


def matches(target: Target, pod: Pod) -> bool:
    """Whether an action's target means this pod; empty fields match everything."""
    ref = pod.ref
    if target.kind not in ("", ref.instance.kind) or (target.name and ref.instance.owner != target.name):
        return False
    if target.instances and ref.instance.ordinal not in target.instances:
        return False
    if target.roles and ref.role not in target.roles:
        return False
    if target.pods and ref.replica not in target.pods:
        return False
    if target.nodes or target.node_selector:
        if pod.node is None:
            return False
        if target.nodes and pod.node.name not in target.nodes:
            return False
        labels = pod.node.labels
        return all(labels.get(key) == value for key, value in target.node_selector.items())
    return True


def unmatched(target: Target, pods: Iterable[Pod]) -> str:
    """What to say of a target that matches no pod: `no pod matched; there are instances 1 to 4`.

    Of a Deployment's pods: `there are pods 1 to 4`.
    """
    refs = [pod.ref for pod in pods if target.kind in ("", pod.ref.instance.kind)]
    if target.name:
        refs = [ref for ref in refs if ref.instance.owner == target.name]
    if not refs:
        return "no pod matched; there is none"
    of_roles = any(ref.instance.has_roles for ref in refs)
    for asked, there, noun in (
        (target.instances, sorted({ref.instance.ordinal for ref in refs}), "instance" if of_roles else "pod"),
        (target.pods, sorted({ref.replica for ref in refs}), "place"),
    ):
        if asked and not set(asked) & set(there):
            return f"no pod matched; there {'is' if len(there) == 1 else 'are'} {_ranges(there, noun)}"
    return f"no pod matched of the {len(refs):,} that there are"


#: What to say of an action that strikes containers some time after their start, when each has ended before.
TOO_SHORT = "no run that begins then lasts so long"


def no_start(until: int | None) -> str:
    """What to say of one that strikes containers as they start, when none has: `no container … from then on`."""
    end = "on" if until is None else f"until {format_duration(until)}"
    return f"no container that it means starts from then {end}"


def _ranges(numbers: list[int], noun: str) -> str:
    """`instance 3`, `instances 1 to 4`, `instances 0 to 1 and 5 to 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    texts = [" to ".join(map(str, run)) for run in runs]
    return f"{noun}{'' if len(numbers) == 1 else 's'} {' and '.join(texts)}"


def start_faults(actions: Iterable[Action]) -> StartFaults | None:
    """What goes wrong while containers start, with the pods it means; None where nothing does."""
    faults = [(each, partial(matches, each.target)) for each in actions if isinstance(each, StartFault)]
    return StartFaults(faults) if faults else None
