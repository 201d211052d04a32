"""What happens in a run that is worth a mark in a picture over time: what people do, stalls, what is complete."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.metrics import Measures
from kubeinfer_sim.report.words import count, rounded
from kubeinfer_sim.scenario.actions.model import (
    CANNOT_BE_RUN,
    Action,
    AddNodes,
    Apply,
    Cordon,
    Crash,
    Create,
    Delete,
    DeleteObject,
    DeletePods,
    Drain,
    EvictPods,
    Fault,
    ForceDelete,
    Health,
    ImageFault,
    LabelNodes,
    NodeDown,
    NodeUp,
    OutOfService,
    Put,
    Refused,
    RemoveFinalizers,
    RemoveNodes,
    RemoveTaint,
    Scale,
    SetGate,
    SetReadinessGate,
    SetTaint,
    StartFault,
    Undo,
    label_changes,
)


class Mark(Struct, frozen=True):
    """Something worth a letter under a chart."""

    at: int
    text: str


def marks_of(measures: Measures, actions: tuple[Action, ...]) -> list[Mark]:
    """What is done, what stalls and goes on, and what is complete, in order of time."""
    marks = [Mark(action.at, _action_text(action, measures)) for action in actions]
    for stall in measures.stalls:
        marks.append(Mark(stall.at, f"stalled: {stall.reason}"))
        if stall.ended is not None:
            marks.append(Mark(stall.ended, "goes on"))
    completions = {c.completed for c in measures.changes if c.completed is not None and c.completed > c.at}
    marks += [Mark(at, "complete") for at in completions]
    return sorted(dict.fromkeys(marks), key=lambda mark: mark.at)


def _action_text(action: Action, measures: Measures) -> str:
    match action:
        case Apply() if isinstance(action.workload, KubeInfer):
            change = next((c for c in measures.changes[1:] if c.at == action.at), None)
            what = " and ".join(change.changed) if change is not None else "something"
            label = f" ({action.label})" if action.label else ""
            return f"apply: {what} changed{label}"
        case Apply():
            what = f"{action.workload.kind} {action.workload.name}"
            return f"{what}: {action.label}" if action.label else f"apply {what}"
        case Scale():
            return f"scale to {action.replicas:,}"
        case Create():
            return f"{action.workload.kind} {action.workload.name} created"
        case Delete():
            return f"{action.kind} {action.name} deleted"
        case Put():
            return f"{action.object.kind} {action.object.name} created or changed"
        case DeleteObject():
            return f"{action.object.kind} {action.object.name} deleted"
        case Undo():
            return f"{action.kind} {action.name}: rollback"
        case Refused():
            return f"{action.object}: {action.what} refused"
        case Cordon():
            return f"{'uncordon' if action.uncordon else 'cordon'} {_nodes(action.nodes)}"
        case SetTaint():
            return f"taint {_nodes(action.nodes)} {action.taint}"
        case RemoveTaint():
            effect = f":{action.effect}" if action.effect else ""
            return f"untaint {_nodes(action.nodes)} {action.key}{effect}"
        case LabelNodes():
            return f"label {_nodes(action.nodes)} {' '.join(label_changes(action.labels))}"
        case AddNodes():
            return f"{_nodes(tuple(node.name for node in action.nodes))} joined"
        case RemoveNodes():
            return f"delete {_nodes(action.nodes)}"
        case Drain():
            return f"drain {_nodes(action.nodes)}"
        case SetGate():
            return f"scheduling gate {action.gate} opened"
        case SetReadinessGate():
            return f"condition {action.gate} set {action.status}"
        case RemoveFinalizers():
            return f"finalizers removed: {', '.join(action.finalizers)}"
        case Health():
            if action.answer == CANNOT_BE_RUN:
                return "health check cannot be run"
            if action.answer:
                return f"health check gets {action.answer}: {'fails' if action.latency is None else 'passes'}"
            if action.flapping is not None:
                return f"health check fails {action.flapping:.0%} of the time"
            if action.latency is not None:
                return f"health check takes {rounded(action.latency)}"
            return (
                f"health check {'answers again' if action.healthy else 'hangs' if action.hang else 'fails'}"
            )
        case Crash():
            return f"{action.container or 'engine'} ends: {action.reason} ({action.exit_code})"
        case StartFault():
            whose, what = action.container, "init containers"
            if action.what == "postStart":
                whose, what = f"the postStart hook of {whose}", "postStart hooks"
            return f"{whose} fails from now on" if action.container else f"{what} fail from now on"
        case Fault():
            return f"fault: {action.level or action.kind}"
        case ImageFault():
            return f"pulls of {action.images[0] if len(action.images) == 1 else 'images'} fail"
        case NodeDown():
            one, many = {
                "silent": ("dies", "die"),
                "cutOff": ("is cut off", "are cut off"),
                "notReady": ("is not ready", "are not ready"),
                "reboot": ("reboots", "reboot"),
                "kubeletRestart": ("restarts its kubelet", "restart their kubelets"),
            }[action.mode]
            return f"{_nodes(action.nodes)} {one if len(action.nodes) == 1 else many}"
        case NodeUp():
            return f"{_nodes(action.nodes)} {'is' if len(action.nodes) == 1 else 'are'} back"
        case OutOfService():
            return f"{_nodes(action.nodes)} {'in service again' if action.ended else 'out of service'}"
        case ForceDelete():
            return "pods force-deleted"
        case DeletePods():
            return "pods deleted"
        case EvictPods():
            return "evictions asked for"


def _nodes(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else count(len(names), "node")
