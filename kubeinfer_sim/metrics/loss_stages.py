"""In which stages a loss was spent.

A loss is in the stage of the instance that makes it good, once that exists; before, in that of the instance that was
lost. An instance's stage is that of the pod that is ready last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from kubeinfer_sim.cluster.stages import SERVING, StageKind
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife, Span
from kubeinfer_sim.metrics.losses import Loss

#: Stages in the order in which an outage goes through them.
STAGES = (
    "detect",
    "decide",
    "terminate",
    "waitForNpu",
    "image",
    "gang",
    "engine",
    "weights",
    "graph",
    "warmUp",
    "probe",
    "restart",
)

#: To which of them each stage of a pod counts.
STAGE_OF = {
    StageKind.PENDING: "waitForNpu",
    StageKind.BIND: "waitForNpu",
    StageKind.IMAGE: "image",
    StageKind.PULL_BACK_OFF: "image",
    StageKind.INIT: "image",
    StageKind.SIDECAR: "image",
    StageKind.CREATE: "image",
    StageKind.POST_START: "image",
    StageKind.BARRIER: "gang",
    StageKind.RANK_TABLE: "gang",
    StageKind.IMPORT: "engine",
    StageKind.COMMUNICATOR: "engine",
    StageKind.WEIGHTS: "weights",
    StageKind.GRAPH: "graph",
    StageKind.WARM_UP: "warmUp",
    StageKind.PROBES: "probe",
    StageKind.SERVING: "detect",
    StageKind.HANGING: "detect",
    StageKind.NOT_READY: "detect",
    StageKind.RESTART: "restart",
    StageKind.BACK_OFF: "decide",
    StageKind.PRE_STOP: "terminate",
    StageKind.EXIT: "terminate",
    StageKind.SIDECAR_EXIT: "image",
    StageKind.CLEANUP: "terminate",
    StageKind.TERMINATING: "terminate",
}


def stages_of(loss: Loss, lives: Mapping[int, InstanceLife]) -> Iterator[tuple[int, int, str]]:
    """(from, to, stage) of a loss, in order and without a gap.

    Args:
        loss: which.
        lives: the instances of the run by uid.
    """
    lost = None if loss.lost is None else lives[loss.lost]
    made_good = None if loss.made_good is None else lives[loss.made_good]
    turn = loss.until
    if made_good is not None:
        turn = loss.since if made_good is lost else min(max(loss.since, made_good.created), loss.until)
    if turn > loss.since:
        if lost is None:
            yield loss.since, turn, "decide"
        else:
            yield from _stages(lost, loss.since, turn, ready=False)
    if made_good is not None and loss.until > turn:
        yield from _stages(made_good, turn, loss.until, ready=loss.ended)


def _stages(life: InstanceLife, since: int, until: int, *, ready: bool) -> Iterator[tuple[int, int, str]]:
    """The stages of an instance that is not ready between two times; `ready`: it is in the end."""
    at = since
    if (pace := _pace(life, since, until, ready=ready)) is not None:
        for pod in life.pods:
            if pod.pod.place != pace.pod.place or not _overlaps(pod, since, until):
                continue
            for place in range(_place_at(pod, at), len(pod.spans)):
                span = pod.spans[place]
                begins, ends = max(span.since, at), min(span.until, until)
                if begins >= until:
                    break
                if ends > begins:
                    yield from _between(life, at, begins)
                    yield begins, ends, STAGE_OF[span.stage.kind]
                    at = ends
    yield from _between(life, at, until)


def _between(life: InstanceLife, since: int, until: int) -> Iterator[tuple[int, int, str]]:
    """Nothing stands at the place that sets the pace: others of its instance still stop, or it waits."""
    if since >= until:
        return
    stopping = [
        until if pod.gone is None else min(pod.gone, until)
        for pod in life.pods
        if pod.deleting is not None and pod.deleting <= since and (pod.gone is None or pod.gone > since)
    ]
    gone = max(stopping, default=since)
    if gone > since:
        yield since, gone, "terminate"
    if until > gone:
        yield gone, until, "decide"


def _place_at(pod: PodLife, at: int) -> int:
    return max(0, bisect_right(pod.spans, at, key=lambda span: span.since) - 1)


def _span_at(pod: PodLife, at: int) -> Span | None:
    if not pod.spans:
        return None
    span = pod.spans[_place_at(pod, at)]
    return span if span.since <= at < span.until else None


def _overlaps(pod: PodLife, since: int, until: int) -> bool:
    return pod.created <= until and (pod.gone is None or pod.gone >= since)


def _pace(life: InstanceLife, since: int, until: int, *, ready: bool) -> PodLife | None:
    """The pod whose readiness made the instance ready, else one that is not ready, the one in trouble first."""
    pods = [pod for pod in life.pods if _overlaps(pod, since, until)]
    if ready:
        for pod in reversed(pods):
            span = _span_at(pod, until)
            if span is not None and (span.since, span.stage) == (until, SERVING):
                return pod
    waiting = [pod for pod in pods if (span := _span_at(pod, until)) is None or span.stage != SERVING]
    if not waiting:
        return pods[-1] if pods else None
    return max(waiting, key=lambda pod: (bool(pod.trouble), pod.created))
