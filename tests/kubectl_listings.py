"""What `kubectl get pods,events -o json` would have written at some times of a simulated run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kubeinfer_sim.cluster.records import ContainersRunning, PodCreated, PodDeleting, PodRef
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.pods_at import pods_at

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
#: When pods that run at the beginning were created, s before it.
AGE = 7200
_GRACE = 30


def time_of(ms: int | None) -> str:
    """A time as the API server writes it: whole seconds, rounded down."""
    at = BEGIN - timedelta(seconds=AGE) if ms is None else BEGIN + timedelta(milliseconds=ms)
    return at.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(scenario: Scenario, ms: int, *, seed: int | None = None, events: bool = True) -> dict[str, Any]:
    """The pods, and the events of pods that the kubelet stopped, at `ms` of the run with a seed.

    Of before the run (`ms` negative) only what runs at its beginning.
    """
    moment = pods_at(scenario, max(ms, 0), seed=seed)
    began: dict[PodRef, int] = {}
    revisions: dict[PodRef, str] = {}
    stopped: list[tuple[PodRef, int]] = []
    for record in moment.run.history:
        if isinstance(record, ContainersRunning):
            began[record.pod] = record.at
        elif isinstance(record, PodDeleting):
            stopped.append((record.pod, record.at))
        elif isinstance(record, PodCreated):
            revisions[record.pod] = record.revision
    items = [
        _pod(scenario, pod, began.get(pod.ref), revisions[pod.ref])
        for pod in moment.pods
        if ms >= 0 or _ran_before(pod, began.get(pod.ref))
    ]
    if events and ms >= 0:
        items += [_killing(scenario, ref, at) for ref, at in stopped]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _uid(ref: PodRef) -> str:
    return f"{ref.instance.owner}-{ref.instance.uid}-{ref.role}-{ref.replica}-{ref.generation}"


def _name(ref: PodRef, revision: str) -> str:
    """Pods of a Deployment have the name of their ReplicaSet and a drawn end."""
    if ref.instance.kind != "Deployment":
        return ref.name
    return f"{ref.instance.owner}-{revision}-x{ref.instance.uid:04}"


def _pod(scenario: Scenario, pod: PodAt, began: int | None, revision: str) -> dict[str, Any]:
    ref = pod.ref
    spec = scenario.workloads[0]
    before = _ran_before(pod, began)
    metadata: dict[str, Any] = {
        "name": _name(ref, revision),
        "namespace": spec.namespace,
        "uid": _uid(ref),
        "creationTimestamp": time_of(None if before else pod.created),
    }
    if ref.instance.kind == "Deployment":
        own = spec.raw["spec"]["template"]["metadata"]["labels"]
        metadata["labels"] = {**own, "pod-template-hash": revision}
        owner = {"kind": "ReplicaSet", "name": f"{spec.name}-{revision}", "controller": True}
        metadata["ownerReferences"] = [owner]
    else:
        metadata["ownerReferences"] = [
            {
                "apiVersion": "infer.modelarts.huaweicloud/v1",
                "kind": "Instance",
                "name": ref.instance.name,
                "controller": True,
            }
        ]
    if pod.deleting is not None:
        metadata["deletionTimestamp"] = time_of(pod.deleting + 1000 * _GRACE)
        metadata["deletionGracePeriodSeconds"] = _GRACE
    conditions = [
        {
            "type": each.condition.type,
            "status": "True" if each.condition.status else "False",
            "lastTransitionTime": time_of(None if before and each.condition.status else each.since),
        }
        for each in pod.conditions
    ]
    running = [each for each in pod.containers if str(each.kind) == "container"]
    start = None if before else began
    state = {"running": {"startedAt": time_of(start)}} if before or began is not None else {"waiting": {}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": pod.node, "containers": [{"name": each.name} for each in running]},
        "status": {
            "phase": pod.phase,
            "conditions": conditions,
            "containerStatuses": [
                {"name": each.name, "restartCount": each.restarts, "state": state} for each in running
            ],
        },
    }


def _ran_before(pod: PodAt, began: int | None) -> bool:
    """Whether it ran already when the run began."""
    return began is None and any(
        each.condition.type == "Ready" and each.condition.status for each in pod.conditions
    )


def _killing(scenario: Scenario, ref: PodRef, at: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{_uid(ref)}.1", "namespace": scenario.workloads[0].namespace},
        "involvedObject": {"kind": "Pod", "name": ref.name, "uid": _uid(ref)},
        "reason": "Killing",
        "message": "Stopping container engine",
        "firstTimestamp": time_of(at),
        "lastTimestamp": time_of(at),
    }


def times(scenario: Scenario, at: Sequence[int], **how: Any) -> list[dict[str, Any]]:
    """The listings at several times."""
    return [listed(scenario, each, **how) for each in at]
