"""What happens to instances and to the KubeInfer as a whole, as the history tells it."""

from __future__ import annotations

from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.cluster.records import InstanceRef, PodRef
from kubeinfer_sim.engine.history import Record


class SpecApplied(Record):
    """The user created or changed the KubeInfer.

    `changed` names what differs (template, replicas, strategy, metadata; `created` at first); `generation`
    counts. `surge` and `unavailable` are the resolved budgets, `warnings` what their resolution says.
    """

    kubeinfer: str
    generation: int
    revision: str
    replicas: int
    surge: int
    unavailable: int
    changed: tuple[str, ...]
    label: str
    warnings: tuple[str, ...]


class InstanceCreated(Record):
    """An instance exists. `running`: it ran already when the simulation began."""

    instance: InstanceRef
    revision: str
    pods: int
    running: bool


class InstanceReady(Record):
    """Every pod of the instance is Ready."""

    instance: InstanceRef


class InstanceConcerning(Record):
    """An instance that was ready has a pod that is not."""

    instance: InstanceRef
    reason: str


class InstanceRestarting(Record):
    """Recovery rebuilds the instance: all its pods are deleted. `incarnation` is the one that begins."""

    instance: InstanceRef
    incarnation: int
    reason: str


class RestartContinued(Record):
    """What a restart has made anew, a pod or an instance (`what`), cannot stay: the same restart deletes it again.

    What it was rebuilt for is reported only now, of hardware that it was given again; or its node rejects it.
    """

    instance: InstanceRef
    what: str
    reason: str


class PodRebuilding(Record):
    """Recovery rebuilds one pod of an instance."""

    instance: InstanceRef
    pod: str
    reason: str


class RoleRebuilding(Record):
    """Recovery rebuilds all `pods` of one role of an instance."""

    instance: InstanceRef
    role: str
    pods: int
    reason: str


class RecoveryDecided(Record):
    """A rule of the scenario, or a function of the user's (`by`), decided about a failure; `delay` in ms."""

    pod: PodRef
    fault: str
    by: str
    action: str
    delay: int


class RecoveryWithdrawn(Record):
    """The delay of a decision is over and what failed is well again: nothing is done."""

    pod: PodRef
    fault: str


class InstanceDegraded(Record):
    """An instance gives up pods, `given_up` of each role, so that role `saved` finds room."""

    instance: InstanceRef
    saved: str
    given_up: tuple[tuple[str, int], ...]
    reason: str


class InstanceRestored(Record):
    """All pods the instance had given up are ready again."""

    instance: InstanceRef


class PeersLost(Record):
    """The engines of `survivors` hang without the lost `pod` and exit at `until` ms."""

    instance: InstanceRef
    pod: str
    survivors: tuple[PodRef, ...]
    until: int


class RestartBackOff(Record):
    """The next gang of a restarting instance, or of a rebuilt part of it, waits until `until` ms."""

    instance: InstanceRef
    until: int


class InstanceFailed(Record):
    """The instance used up its restarts and is held."""

    instance: InstanceRef
    reason: str


class InstanceDeleting(Record):
    """The controller deletes the instance. `reason`: Rollout, NotReady (free of budget), ScaleIn."""

    instance: InstanceRef
    reason: str


class InstanceGone(Record):
    """The last pod of the instance is gone; its ordinal may be used again."""

    instance: InstanceRef


class Stalled(Record):
    """Nothing goes on by itself. `reason`: Unschedulable, NewRevisionNotReady; `pod_reason` the pods' own."""

    kubeinfer: str
    generation: int
    reason: str
    pod_reason: str
    instances: tuple[InstanceRef, ...]
    detail: str

    def waits_for(self, instance: InstanceRef) -> bool:
        """Whether `detail` says why this instance has no place."""
        return self.reason == "Unschedulable" and self.instances[0] == instance


class UpdateAborted(Record):
    """A stalled update is given up: the template of `revision`, the one before it, is applied again."""

    kubeinfer: str
    generation: int
    reason: str
    revision: str


class SilentFaultSuspected(Record):
    """A node takes nothing new for `lasts` ms: so many single pods failed on it, and no hardware fault was seen."""

    node: str
    failures: int
    within: int
    lasts: int


class StallEnded(Record):
    """What was stalled goes on."""

    kubeinfer: str
    generation: int


class ProgressDeadlineExceeded(Record):
    """No progress for the scenario's progressDeadline; reported only, nothing is stopped."""

    kubeinfer: str
    generation: int


class UpdateCompleted(Record):
    """No old instance is live, `replicas` new ones exist and all are ready."""

    kubeinfer: str
    generation: int
    revision: str
    replicas: int


class InstanceRefused(Record):
    """The API server refuses pods of an instance: none is made, all are asked for again, ever later."""

    instance: InstanceRef
    refusal: Refusal
