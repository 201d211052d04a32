"""What actions are called where they are told of."""

from __future__ import annotations

from kubeinfer_sim.scenario.actions.model import (
    Action,
    Apply,
    Cordon,
    Crash,
    DeletePods,
    EvictPods,
    Fault,
    ForceDelete,
    Health,
    NodeDown,
    RemoveTaint,
    SetTaint,
    StartFault,
    Undo,
)

_NAMES: dict[type[Action], str] = {
    Apply: "update",
    Crash: "crash",
    DeletePods: "deletePod",
    EvictPods: "evictPod",
    ForceDelete: "forced deletion",
    Health: "health action",
    RemoveTaint: "untaint",
    SetTaint: "taint",
    Undo: "rollback",
}


def action_name(action: Action) -> str:
    """As the scenario has it, or in words: `crash`, `nodeDown (silent)`, `forced deletion`; of a fault its kind."""
    match action:
        case Fault():
            return action.kind
        case NodeDown():
            return action.mode if action.mode == "kubeletRestart" else f"nodeDown ({action.mode})"
        case Cordon():
            return "uncordon" if action.uncordon else "cordon"
        case StartFault():
            return f"{action.what}Fault"
    name = type(action).__name__
    return _NAMES.get(type(action), f"{name[0].lower()}{name[1:]}")
