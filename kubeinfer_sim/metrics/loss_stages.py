"""In which stages a loss was spent.

A loss is in the stage of the instance that makes it good, once that exists; before, in that of the instance that was
lost. An instance's stage is that of the pod that is ready last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from kubeinfer_sim.cluster.records import Place
from kubeinfer_sim.cluster.stages import SERVING, StageKind, StageName
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife
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
    StageKind.VOLUMES: "image",
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


#: Of so many pods all are looked at.
FEW = 16


class _Places:
    """The pods of an instance, where there are many by their places.

    At each place one stands after the other, so that few are looked at.
    """

    __slots__ = ("_at", "_few", "created")

    def __init__(self, life: InstanceLife) -> None:
        self.created = life.created
        self._few = life.pods if len(life.pods) <= FEW else None
        self._at: dict[Place, list[tuple[int, PodLife]]] = {}
        if self._few is None:
            for number, pod in enumerate(life.pods):
                self._at.setdefault(pod.pod.place, []).append((number, pod))

    def pods(self, since: int, until: int, place: Place | None = None) -> list[PodLife]:
        """Those that were there between two times, at one place or at all, in the order of their creation."""
        if self._few is not None:
            return [
                pod
                for pod in self._few
                if pod.created <= until
                and (pod.gone is None or pod.gone >= since)
                and (place is None or (pod.pod.role, pod.pod.replica) == place)
            ]
        lives: list[tuple[int, PodLife]] = []
        for pods in self._at.values() if place is None else (self._at[place],):
            for index in range(bisect_right(pods, until, key=lambda each: each[1].created) - 1, -1, -1):
                gone = pods[index][1].gone
                if gone is not None and gone < since:
                    break
                lives.append(pods[index])
        return [pod for _, pod in sorted(lives, key=lambda each: each[0])]


class LossStages:
    """Finds them among the instances of a run, by uid; a loss costs the pods that stood in its instance meanwhile."""

    def __init__(self, lives: Mapping[int, InstanceLife]) -> None:
        self._lives = lives
        self._places: dict[int, _Places] = {}

    def _of(self, uid: int) -> _Places:
        if uid not in self._places:
            self._places[uid] = _Places(self._lives[uid])
        return self._places[uid]

    def of(self, loss: Loss) -> Iterator[tuple[int, int, str]]:
        """(from, to, stage) of a loss, in order and without a gap."""
        lost = None if loss.lost is None else self._of(loss.lost)
        made_good = None if loss.made_good is None else self._of(loss.made_good)
        yield from _stages_of(loss, lost, made_good)

    def at_the_end(self, loss: Loss) -> str:
        """In which stage one that lasts is as the run ends, and stays."""
        life = next((each for each in (loss.made_good, loss.lost) if each is not None), None)
        if life is None:
            return "decide"
        places = self._of(life)
        pace = _pace(places.pods(loss.until, loss.until), loss.until, ready=False)
        stage = None if pace is None else _stage_at(pace, loss.until)
        if stage is not None:
            return STAGE_OF[stage[1].kind]
        return next(name for _, _, name in _between(places, loss.until, loss.until + 1))


def _stages_of(loss: Loss, lost: _Places | None, made_good: _Places | None) -> Iterator[tuple[int, int, str]]:
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


def _stages(life: _Places, since: int, until: int, *, ready: bool) -> Iterator[tuple[int, int, str]]:
    """The stages of an instance that is not ready between two times; `ready`: it is in the end."""
    at = since
    if (pace := _pace(life.pods(since, until), until, ready=ready)) is not None:
        for pod in life.pods(since, until, pace.pod.place):
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


def _between(life: _Places, since: int, until: int) -> Iterator[tuple[int, int, str]]:
    """Nothing stands at the place that sets the pace: others of its instance still stop, or it waits."""
    if since >= until:
        return
    stopping = [
        until if pod.gone is None else min(pod.gone, until)
        for pod in life.pods(since, since)
        if pod.deleting is not None and pod.deleting <= since
    ]
    gone = max(stopping, default=since)
    if gone > since:
        yield since, gone, "terminate"
    if until > gone:
        yield gone, until, "decide"


def _place_at(pod: PodLife, at: int) -> int:
    return max(0, bisect_right(pod.spans, at, key=lambda span: span.since) - 1)


def _stage_at(pod: PodLife, at: int) -> tuple[int, StageName] | None:
    """Since when a pod is in which stage at a time; None where it is in none."""
    if not pod.spans:
        return None
    span = pod.spans[_place_at(pod, at)]
    if span.since <= at < span.until:
        return span.since, span.stage
    # What begins as the run ends has no span.
    if pod.gone is None and (stage := pod.stage) is not None:
        return (span.since if stage == span.stage else at), stage
    return None


def _pace(pods: list[PodLife], until: int, *, ready: bool) -> PodLife | None:
    """The pod that held its instance up: the last one to be ready, else one that is not, in trouble first."""
    if ready:
        for pod in reversed(pods):
            if _stage_at(pod, until) == (until, SERVING):
                return pod
    waiting = [pod for pod in pods if (stage := _stage_at(pod, until)) is None or stage[1] != SERVING]
    if not waiting:
        return pods[-1] if pods else None
    return max(waiting, key=lambda pod: (bool(pod.trouble), pod.created))
