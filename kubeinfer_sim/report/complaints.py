"""Why an instance or a pod is not ready at the end of the run, in a clause."""

from __future__ import annotations

from collections.abc import Mapping

from kubeinfer_sim.cluster.reasons import PROBE_KILLS, probe_of
from kubeinfer_sim.cluster.records import GangPending, PodRef
from kubeinfer_sim.cluster.stages import NOT_READY
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife
from kubeinfer_sim.metrics.nodes import StrandedPod
from kubeinfer_sim.report import ways_out
from kubeinfer_sim.report.stranded import stranded as stranded_text
from kubeinfer_sim.report.words import clause, count, listed


def complaint(life: InstanceLife, stranded: Mapping[PodRef, StrandedPod]) -> str:
    """Why an instance is not ready, and what would mend it: `infer-3 needs 2 nodes × 8 …; … would let it go on`.

    `stranded`: the pods on nodes that are down.
    """
    name = life.instance.name
    there = {pod.pod: stranded[pod.pod] for pod in life.pods if pod.pod in stranded}
    if there:
        return f"{name} waits for {stranded_text(there, ', ')}"
    if life.unstable:
        troubled = _troubled(life)
        way = f"{_broken(troubled)}{ways_out.to_readiness(troubled)}" if troubled is not None else ""
        return f"{unstable(name, life)}{way}"
    if life.refused:
        return f"the pods of {name} are refused: {life.refused.message}{ways_out.to_admission(life.refused)}"
    if life.pending is not None:
        return without_place(name, life.pending)
    if life.state == "pending":
        return f"{name} waits for a place"
    if life.failed:
        return f"{name} has failed: {clause(life.failed)}; an update would replace it"
    held = next((pod for pod in life.pods if pod.held and pod.gone is None), None)
    if held is not None:
        what = "does not go" if life.state == "terminating" else "cannot be rebuilt"
        return f"{name} {what}: {held_text(held)}"
    if life.state == "terminating":
        return f"{name} does not stop"
    text = f"{name} does not become ready"
    if life.restarts or life.container_restarts:
        text += f", restarted {count(life.restarts + life.container_restarts, 'time')}"
    now, troubled = life.pace, _troubled(life)
    if troubled is not None:
        where = f"{troubled.pod.role}-{troubled.pod.replica}"
        return (
            f"{text}: {where}: {clause(troubled.trouble)}{_broken(troubled)}{ways_out.to_readiness(troubled)}"
        )
    if now is None or not now.stage:
        return text
    return f"{text} (in {now.stage}){_broken(now)}{ways_out.to_readiness(now)}"


def _troubled(life: InstanceLife) -> PodLife | None:
    """The pod for which an instance is not ready; None where nothing fails."""
    # A rebuilt pod has not failed yet; what the one before it failed of is the reason all the same.
    pods = (life.pace, *reversed(life.pods))
    return next((pod for pod in pods if pod is not None and pod.trouble), None)


def unstable(name: str, life: InstanceLife) -> str:
    """`m-1 is killed by its liveness probe over and over, restarted 414 times: 4 failures in a row, one every 7 s`.

    Of what loses its readiness as often as it gets it, whether or not it has it right now, or is rebuilt before.
    """
    restarts, pod = life.restarts + life.container_restarts, _troubled(life)
    again = f"over and over, restarted {count(restarts, 'time')}" if restarts else "over and over"
    role = f"{pod.pod.role}-{pod.pod.replica}: " if pod is not None and life.instance.has_roles else ""
    if (life if life.instance.has_roles else life.pods[0]).ready is None:
        text = f"{name} does not become ready, restarted {count(restarts, 'time')}"
        return text if pod is None else f"{text}: {role}{clause(pod.trouble)}"
    if pod is None:
        return f"{name} loses its readiness {again}"
    if pod.reason in PROBE_KILLS:
        return f"{name} is killed by its {probe_of(pod.reason)} probe {again}: {role}{clause(pod.detail)}"
    how = "fails" if restarts else "loses its readiness"
    return f"{name} {how} {again}: {role}{clause(pod.trouble)}"


def pod_complaint(life: InstanceLife) -> str:
    """Why a pod is not ready, or does not go."""
    pod = life.pods[0]
    if life.pending is not None:
        return without_place(pod.pod.name, life.pending)
    if not pod.node:
        return f"{pod.pod.name} waits for a place"
    if pod.held:
        return held_text(pod)
    if pod.deleting is not None:
        return f"{pod.pod.name} does not stop (in {pod.stage})"
    way = f"{_broken(pod)}{ways_out.to_readiness(pod)}"
    if life.unstable:
        return f"{unstable(pod.pod.name, life)}{way}"
    if pod.trouble:
        how = "is not ready any more" if pod.stage == NOT_READY else "does not become ready"
        how = how if pod.finished is None else "has failed"
        return f"{pod.pod.name} {how}: {clause(pod.trouble)}{way}"
    return f"{pod.pod.name} is not ready {'any more' if pod.stage == NOT_READY else f'(in {pod.stage})'}{way}"


def _broken(pod: PodLife) -> str:
    """The fault of a device on which no engine starts: `, on account of HbmFault of node-1/npu0`."""
    return f", on account of {pod.broken_by}" if ways_out.is_held_by_device(pod) else ""


def without_place(name: str, pending: GangPending) -> str:
    """What has no place needs, or waits for."""
    proof = clause(pending.proof)
    text = f"{name} {proof}" if pending.needs else f"{name} has no place: {proof}"
    return f"{text}{ways_out.to_a_place(pending)}{ways_out.of_draws(pending.drawn_by)}"


def held_text(pod: PodLife) -> str:
    """Of a pod that is deleted, and whose finalizers keep its object."""
    which = "its finalizer" if len(pod.held) == 1 else "its finalizers"
    return f"{pod.pod.name} stays for {which} {listed(list(pod.held))}{ways_out.to_the_end(pod)}"
