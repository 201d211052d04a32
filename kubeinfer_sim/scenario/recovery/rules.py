"""Rules of recovery for roles with `restart: Custom`, as they are simulated.

The vendor publishes nothing on what Custom means; so the rules live in the scenario, never in the manifest.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.manifest.model import KubeInfer, RecoveryPolicy
from kubeinfer_sim.scenario.recovery.faults import Phase

ActionName = Literal[
    "RestartContainer",
    "RecreatePod",
    "RecreateRole",
    "RecreateInstance",
    "Ignore",
    "Degrade",
    "Fail",
]
Isolation = Literal["None", "Device", "Node"]

#: Actions that leave the pod where it is: the kubelet does what is done, in its own time.
IN_PLACE: tuple[ActionName, ...] = ("RestartContainer", "Ignore")


class GiveUp(Struct, frozen=True):
    """A role that gives up pods for another one: all but `keep`, one by one; with `keep` 0 all at once."""

    role: str
    keep: int = 1


class Limit(Struct, frozen=True):
    """After `count` times within `window` ms the rule does `then` instead."""

    count: int
    window: int
    then: ActionName


class RecoveryRule(Struct, frozen=True):
    """What to do about some failures; empty fields match everything.

    Attributes:
        delay: ms to wait; when the pod is ready again by then, or the fault has cleared, nothing is done.
        isolate: what takes no new pods from then on: the NPUs of the pod, or its node.
        give_up: for Degrade, the roles that give up pods, in order.
    """

    action: ActionName
    roles: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    phase: Phase | None = None
    exit_codes: tuple[int, ...] = ()
    delay: int = 0
    isolate: Isolation = "None"
    limit: Limit | None = None
    give_up: tuple[GiveUp, ...] = ()

    def matches(self, role: str, fault: str, phase: Phase, exit_code: int | None) -> bool:
        """Whether the rule is about this failure."""
        return (
            (not self.roles or role in self.roles)
            and (not self.faults or fault in self.faults)
            and self.phase in (None, phase)
            and (not self.exit_codes or exit_code in self.exit_codes)
        )


def with_policy(
    kubeinfer: KubeInfer, restart: Literal["Instance", "Pod", "Custom"], role: str = ""
) -> KubeInfer:
    """The KubeInfer with another recovery policy in every role, or in one."""
    policy = RecoveryPolicy(restart)
    return replace(
        kubeinfer,
        roles=tuple(
            replace(each, recovery_policy=policy) if role in ("", each.name) else each
            for each in kubeinfer.roles
        ),
    )
