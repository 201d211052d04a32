"""Where the time of outages goes: each time an instance is not ready, cut into the stages of one of its pods.

The pod whose readiness ended an outage set its pace (in an outage without end: a pod that is not ready); what
stood at its place in the instance during the outage, one pod after the other, says what the time was spent on.
The stages add up to the outage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from kubeinfer_sim.cluster.records import InstanceRef
from kubeinfer_sim.controllers.records import (
    InstanceConcerning,
    InstanceDeleting,
    InstanceFailed,
    InstanceReady,
    InstanceRestarting,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.metrics.lives import CLEAN_UP, HANGING, SERVING, InstanceLife, PodLife

#: Stages that belong together in an explanation, in its words.
WORDS = {
    "pending": "waiting for free NPUs",
    "bind": "waiting for free NPUs",
    "preStop": "stopping",
    "exit": "stopping",
    "cleanup": "stopping",
    CLEAN_UP: "stopping",
    "": "backing off",
    "back-off": "backing off",
    "barrier": "waiting for the rest of the gang",
    "rankTable": "loading",
    "import": "loading",
    "communicator": "loading",
    "weights": "loading",
    "graph": "loading",
    "warmUp": "loading",
    "create": "pulling and creating",
    "pull back-off": "pulling and creating",
    "restart": "restarting containers",
    HANGING: "hanging without a peer",
    "not ready": "failing its checks",
    "probes": "passing its probes",
    SERVING: "waiting for other pods",
}


def outages(records: Iterable[Record], ended_at: int) -> Iterator[tuple[InstanceRef, int, int]]:
    """Each time (ms) in which an instance that was ready is not, until it is again, or is deleted."""
    since: dict[int, tuple[InstanceRef, int]] = {}
    ready: set[int] = set()
    for record in records:
        match record:
            case InstanceReady():
                ready.add(record.instance.uid)
                if (open_ := since.pop(record.instance.uid, None)) is not None:
                    yield open_[0], open_[1], record.at
            case InstanceConcerning() | InstanceRestarting() | InstanceFailed():
                if record.instance.uid in ready:
                    ready.discard(record.instance.uid)
                    since[record.instance.uid] = record.instance, record.at
            case InstanceDeleting():
                ready.discard(record.instance.uid)
                if (open_ := since.pop(record.instance.uid, None)) is not None:
                    yield open_[0], open_[1], record.at
    for instance, at in since.values():
        yield instance, at, ended_at


def time_by_stage(
    records: Iterable[Record], instances: Iterable[InstanceLife], ended_at: int
) -> dict[str, int]:
    """Instance-milliseconds of all outages by what they were spent on, the longest first."""
    lives = {life.instance.uid: life for life in instances}
    spent: Counter[str] = Counter()
    for ref, since, until in outages(records, ended_at):
        pace = _pace(lives[ref.uid], until)
        covered = 0
        for pod in () if pace is None else lives[ref.uid].pods:
            if pace is None or pod.pod.place != pace.pod.place:
                continue
            for span in pod.spans:
                length = min(span.until, until) - max(span.since, since)
                if length > 0:
                    spent[_word(span.stage)] += length
                    covered += length
        spent[WORDS[""]] += until - since - covered
    return {stage: length for stage, length in spent.most_common() if length > 0}


def _pace(life: InstanceLife, until: int) -> PodLife | None:
    """The pod that became ready when the outage ended, else one that is not ready."""
    alive = [pod for pod in life.pods if pod.created <= until and (pod.gone is None or pod.gone >= until)]
    in_time = [
        pod
        for pod in alive
        if any(span.since == until and span.stage == SERVING for span in pod.spans) or pod.ready == until
    ]
    candidates = in_time or [pod for pod in alive if pod.ready is None] or alive
    return candidates[-1] if candidates else None


def _word(stage: str) -> str:
    return WORDS["create"] if stage.startswith("image ") else WORDS.get(stage, stage)
