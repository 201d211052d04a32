"""Why an instance or a pod is not ready at the end of the run, in a clause."""

from __future__ import annotations

from collections.abc import Mapping

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.cluster.stages import NOT_READY
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.nodes import StrandedPod
from kubeinfer_sim.report.stranded import stranded as stranded_text
from kubeinfer_sim.report.words import clause, count


def complaint(life: InstanceLife, stranded: Mapping[PodRef, StrandedPod]) -> str:
    """Why an instance is not ready: `infer-3 needs 2 nodes × 8 …`, `infer-3 does not become ready: …`.

    `stranded`: the pods on nodes that are down.
    """
    name = life.instance.name
    there = {pod.pod: stranded[pod.pod] for pod in life.pods if pod.pod in stranded}
    if there:
        return f"{name} waits for {stranded_text(there, ', ')}"
    if life.refused:
        return f"the pods of {name} are refused: {life.refused}"
    if life.pending is not None:
        proof = clause(life.pending.proof)
        return f"{name} {proof}" if proof.startswith("needs") else f"{name} has no place: {proof}"
    if life.state == "pending":
        return f"{name} waits for a place"
    if life.failed:
        return f"{name} has failed: {clause(life.failed)}"
    if life.state == "terminating":
        return f"{name} does not stop"
    text = f"{name} does not become ready"
    if life.restarts or life.container_restarts:
        text += f", restarted {count(life.restarts + life.container_restarts, 'time')}"
    now = life.pace
    # A rebuilt pod has not failed yet; what the one before it failed of is the reason all the same.
    troubled = next((pod for pod in (now, *reversed(life.pods)) if pod is not None and pod.trouble), None)
    if troubled is not None:
        return f"{text}: {troubled.pod.role}-{troubled.pod.replica}: {clause(troubled.trouble)}"
    return f"{text} (in {now.stage})" if now is not None and now.stage else text


def pod_complaint(life: InstanceLife) -> str:
    """Why a pod is not ready."""
    pod = life.pods[0]
    if life.pending is not None:
        proof = clause(life.pending.proof)
        return (
            f"{pod.pod.name} {proof}"
            if proof.startswith("needs")
            else f"{pod.pod.name} has no place: {proof}"
        )
    if not pod.node:
        return f"{pod.pod.name} waits for a place"
    if pod.trouble:
        return f"{pod.pod.name} does not become ready: {clause(pod.trouble)}"
    return f"{pod.pod.name} is not ready {'any more' if pod.stage == NOT_READY else f'(in {pod.stage})'}"
