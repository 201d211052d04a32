"""What was refused: an eviction no longer once it is granted, others all the same."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import EvictionAnswered, InstanceRef, PodRef, RequestRefused
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.metrics.refusals import Refusals

ONE, OTHER = (PodRef(InstanceRef(uid, "infer", uid), "serve", 0, 0) for uid in (0, 1))


def test_a_refusal_is_forgotten_when_the_same_pod_may_be_evicted_after_all() -> None:
    meter = Refusals()
    records = [
        EvictionAnswered(0, NO_CAUSE, ONE, 429, "no"),
        EvictionAnswered(1, NO_CAUSE, OTHER, 429, "no"),
        RequestRefused(2, NO_CAUSE, "delete", "Pod/p", "not found"),
        EvictionAnswered(3, NO_CAUSE, ONE, 201),
    ]
    for record in records:
        meter.handlers()[type(record)](record)
    assert meter.finish(10, "settled") == (records[1], records[2])
