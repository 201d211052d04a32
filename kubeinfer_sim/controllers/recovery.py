"""Recovery: what is rebuilt when a pod of an instance fails, and after which wait.

The policy of the failed pod's role decides: `Instance` rebuilds all pods of all roles, `Pod` that pod,
`Custom` (without rules) leaves it to the kubelet. A trigger that comes while the instance is being rebuilt
or deleted belongs to the incarnation that is going, and is dropped; so two pods of one gang that fail in the
same second cause one restart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.controllers.instance import Instance, InstanceState
from kubeinfer_sim.manifest.model import RecoveryPolicy
from kubeinfer_sim.scenario.model import Assumptions


@dataclass(slots=True)
class RestartHistory:
    """The restarts of one instance, for back-off and limit. Milliseconds."""

    streak: int = 0
    last: int | None = None
    recent: list[int] = field(default_factory=list)

    def restart(self, now: int, assumptions: Assumptions) -> int | None:
        """Note a restart; returns the wait before its new gang, None when the limit is used up."""
        if self.last is not None and now - self.last > assumptions.backoff_reset:
            self.streak = 0
        self.last = now
        if assumptions.max_restarts is not None:
            self.recent = [at for at in self.recent if now - at < assumptions.max_restarts_window]
            if len(self.recent) >= assumptions.max_restarts:
                return None
            self.recent.append(now)
        waits = assumptions.backoff
        wait = waits[min(self.streak, len(waits) - 1)] if waits else 0
        self.streak += 1
        return wait


def policy_of(instance: Instance, pod: Pod) -> RecoveryPolicy:
    """The recovery policy of the pod's role."""
    return next(role.recovery_policy for role in instance.spec.roles if role.name == pod.ref.role)


def scope(instance: Instance, pod: Pod, assumptions: Assumptions, *, rolling: bool) -> str:
    """What is rebuilt when this pod fails: `Instance`, `Pod`, or `` for nothing (the kubelet restarts it).

    `rolling`: the instance is of an old revision of a rollout that goes on.
    """
    if instance.state in (InstanceState.TERMINATING, InstanceState.RESTARTING, InstanceState.FAILED):
        return ""
    if rolling and assumptions.old_instance_failure == "replaceNew":
        return ""
    if assumptions.startup_crash == "kubelet" and instance.state is InstanceState.STARTING:
        return ""
    restart = policy_of(instance, pod).restart
    return "" if restart == "Custom" else restart
