"""What happens to Deployments and the other kinds of apps/v1 (`kind` says which), as the history tells it."""

from __future__ import annotations

from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.controllers.deployment.progress import Counts
from kubeinfer_sim.engine.history import Record


class DeploymentApplied(Record):
    """The user created or changed a Deployment.

    `changed` names what differs (template, replicas, strategy, other fields, paused, resumed, metadata; `created` at
    first, `nothing`). `surge` and `unavailable` are the resolved budgets in pods, `leaves` says which pods an update
    does not replace ("" where it replaces all).
    """

    deployment: str
    generation: int
    revision: str
    replicas: int
    surge: int
    unavailable: int
    changed: tuple[str, ...]
    label: str
    kind: str = "Deployment"
    leaves: str = ""


class ReplicaSetScaled(Record):
    """The Deployment controller asks a ReplicaSet for another number of pods; 0 to n creates it."""

    deployment: str
    revision: str
    before: int
    replicas: int


class DeploymentStatus(Record):
    """A Deployment's status at the end of an instant in which it changed.

    `counts` are those of its status; `available` is the condition Available, `progressing` and `reason` the
    condition Progressing ("" without one); `complete`: all of it is in place and available; `failure` is the reason of
    the condition ReplicaFailure ("" without one).
    """

    deployment: str
    generation: int
    counts: Counts
    available: bool
    progressing: str
    reason: str
    complete: bool
    kind: str = "Deployment"
    failure: str = ""


class PodEvicted(Record):
    """Somebody else deletes a pod of a ReplicaSet, which makes another at once; `deployment` owns it."""

    deployment: str
    pod: str
    reason: str
    kind: str = "Deployment"


class PodsRefused(Record):
    """The API server refuses the pods of a ReplicaSet (FailedCreate), or in other words than before.

    It tries again, ever later.
    """

    deployment: str
    refusal: Refusal
    kind: str = "Deployment"
