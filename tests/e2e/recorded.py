"""The recorded whole runs of `golden_e2e`: what a watch on the real API server saw, as milestones.

The form of the table is told in the table itself (`format`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from e2e.milestones import ConditionWatch, Milestones, PodState, PodWatch

Case = dict[str, Any]

_PHASE = re.compile(r"phase (\w+)(?: reason=(\S+))?")
_CONDITION = re.compile(r"(\w+)=(\w+)(?:\((\w+)\))?")
_CONTAINER = re.compile(
    r"container (\S+): (running|waiting\(.*?\)|terminated\(.*?\)) ready=. started=(.) restarts=(\d+)"
)
_CODE = re.compile(r"^\S+: (\d{3})")
#: Deployment conditions that are compared.
_OF_DEPLOYMENTS = ("Available", "Progressing", "ReplicaFailure")


def milestones_of(case: Case, run: str) -> Milestones:
    """The milestones of one of the case's runs."""
    found = Milestones()
    watches: dict[str, PodWatch] = {}
    states: dict[str, PodState] = {}
    deployments: dict[str, ConditionWatch] = {}
    held: set[str] = set()
    lines = case["runs"][run]
    draining = ""
    for index, (at, subject, what) in enumerate(lines):
        if subject == "step":
            verb, _, result = what.partition(" ")
            draining = _role(result) if verb == "drain" else draining
            if (answer := _answer(verb, result)) is not None:
                found.add("answers", answer, at)
        elif subject == "drain":
            found.add("answers", what, at)
        elif what.startswith("drain evicts") and ": 429" in what and draining not in held:
            held.add(draining)
            found.add("answers", f"drain of {draining} is held", at)
        elif subject.startswith("node/"):
            if what.startswith("Ready=Unknown") and found.unknown_at is None:
                found.unknown_at = at
        elif subject.startswith("deploy/"):
            if what.startswith(_OF_DEPLOYMENTS):
                watch = deployments.setdefault(subject, ConditionWatch(found, subject))
                watch.changed([_CONDITION.match(what)[0]], at)  # type: ignore[index]
        elif what == "created":
            watches[subject], states[subject] = PodWatch(found, group_of(case, subject), at), PodState()
        elif subject in watches:
            states[subject] = after(states[subject], what)
            last = index + 1 == len(lines) or lines[index + 1][:2] != [at, subject]
            if last:  # one write of the object may change several things
                watches[subject].changed(states[subject], at)
            if what == "gone":
                watches.pop(subject).gone(at)
    return found


def group_of(case: Case, subject: str) -> str:
    """Whose pod: `rs1`, the name of a ReplicaSet or StatefulSet made directly, or that of a bare pod."""
    if "/" in subject:
        return subject.partition("/")[0]
    name, _, elsewhere = subject.partition("@")
    name = name.partition("#")[0]
    for kind, owner in created(case):
        if kind == "Pod" and owner == name:
            break
        if kind == "StatefulSet" and re.fullmatch(rf"{re.escape(owner)}-\d+", name):
            name = owner
            break
    else:
        name = next((owner for kind, owner in created(case) if kind == "DaemonSet"), name)
    return f"{name}@{elsewhere}" if elsewhere else name


def created(case: Case) -> list[tuple[str, str]]:
    """Kind and name of all objects the case creates."""
    return [
        (each["kind"], each["metadata"]["name"])
        for step in case["steps"]
        if step[1] == "create"
        for each in step[2:]
    ]


def after(state: PodState, what: str) -> PodState:
    """The pod's state after one line about it."""
    if (phase := _PHASE.fullmatch(what.partition(" message=")[0])) is not None:
        return replace(state, phase=" ".join(filter(None, phase.groups())))
    if (container := _CONTAINER.fullmatch(what)) is not None:
        name, text, started, restarts = container.groups()
        now = {**state.containers, name: (text, int(restarts))}
        running = state.started | {name} if started == "t" and text == "running" else state.started - {name}
        return replace(state, containers=now, started=running)
    if what == "condition Ready removed":
        return replace(state, ready=False)
    if what.startswith("node"):
        return replace(state, scheduled=True, waits="")
    if what.startswith("deleting"):
        return replace(state, deleted=True)
    condition = _CONDITION.fullmatch(what)
    if condition is not None:
        kind, status, reason = condition.groups()
        if kind == "Ready":
            return replace(state, ready=status == "True")
        if kind == "PodScheduled":
            return replace(state, waits="" if status == "True" else reason)
        if kind == "DisruptionTarget":
            return replace(state, disruption=reason)
    return state


def _answer(verb: str, result: str) -> str | None:
    """What came of a step, where that says anything: the codes of evictions, refusals of anything else."""
    answers = result.rpartition(" -> ")[2]
    if verb == "evict":
        codes = sorted(code[1] for each in answers.split("; ") if (code := _CODE.match(each)) is not None)
        return f"evict: {' '.join(codes)}"
    codes = re.findall(r"\b[2-5]\d\d\b", answers)
    refused = not codes or any(not code.startswith("2") for code in codes)
    return (
        f"{verb} is refused" if refused and verb not in ("drain", "start", "kill", "dp", "health") else None
    )


def _role(result: str) -> str:
    """The node of `drain ["a"] -> …`."""
    found = re.match(r'\["(\w+)"', result)
    return found[1] if found is not None else ""
