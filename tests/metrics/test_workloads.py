"""Several KubeInfers side by side: each is measured as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from building import kubeinfer, scenario
from metering import metered
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import InstanceRef, NodeDrained, PodRef
from kubeinfer_sim.controllers.deployment.records import PodEvicted
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record
from kubeinfer_sim.engine.meter import OnePass
from kubeinfer_sim.metrics.capacity import CapacityMeter
from kubeinfer_sim.metrics.changes import ChangesMeter
from kubeinfer_sim.metrics.incidents import Incidents
from kubeinfer_sim.metrics.losses import Losses
from kubeinfer_sim.metrics.readiness import ReadinessMeter
from kubeinfer_sim.metrics.recoveries import Recoveries
from kubeinfer_sim.metrics.workloads import ByWorkload, Workload, workload_of
from kubeinfer_sim.scenario.actions.model import Apply, Crash, Drain, Scale, Target
from kubeinfer_sim.simulation.simulate import simulate

METERS = {
    "readiness": ReadinessMeter,
    "losses": Losses,
    "incidents": Incidents,
    "changes": ChangesMeter,
    "recoveries": Recoveries,
    "capacity": lambda: CapacityMeter(whole=False),
}
ENDED_AT = 4_000_000


def told(*actions: Any, replicas: int = 2) -> list[Record]:
    spec = kubeinfer(replicas, roles={"a": 1, "b": 2})
    return list(simulate(scenario(spec, 12, 60, 10, actions=actions, horizon=ENDED_AT)).history)


def renamed(value: Any, name: str, uids: int) -> Any:
    """The same of a KubeInfer of another name, with uids of its own."""
    if isinstance(value, InstanceRef):
        return replace(value, uid=value.uid + uids, owner=name)
    if isinstance(value, PodRef):
        return value._replace(instance=renamed(value.instance, name, uids))
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(renamed(each, name, uids) for each in value)
    return value


def belonging(records: Sequence[Record], name: str, uids: int) -> list[Record]:
    """A history of records that all name their KubeInfer."""
    history = History()
    for record in records:
        mine = copy(record)
        for field in record.__struct_fields__:
            setattr(mine, field, renamed(getattr(record, field), name, uids))
        if hasattr(mine, "kubeinfer"):
            mine.kubeinfer = name
        mine.cause = record.cause
        history.append(mine)
    return list(history)


def about_instances(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if workload_of(record) is not None]


def test_each_kubeinfer_is_measured_by_its_own_records_alone() -> None:
    hit = (Crash(600_000, Target(instances=(0,), roles=("b",))), Drain(900_000, ("node-1",)))
    one = belonging(told(*hit), "one", 0)
    spec = kubeinfer(3, roles={"a": 1, "b": 2}, revision="new")
    other = belonging(
        told(Apply(300_000, spec), Crash(1_500_000, Target(instances=(1,))), replicas=3), "other", 1000
    )
    both = sorted([*about_instances(one), *about_instances(other)], key=lambda record: record.at)
    for name, make in METERS.items():
        meters = {Workload("KubeInfer", "one"): make(), Workload("KubeInfer", "other"): make()}
        OnePass([ByWorkload({which: [meter] for which, meter in meters.items()})]).feed(both)
        for which, records in zip(meters, (one, other), strict=True):
            alone = metered(make(), about_instances(records), ended_at=ENDED_AT, end="horizon")
            beside = meters[which].finish(ENDED_AT, "horizon")
            assert beside == alone, (name, which)
            assert alone, name


def test_what_is_about_no_workload_is_told_to_all() -> None:
    heard: dict[str, list[Record]] = {"one": [], "other": []}

    class Hears:
        def __init__(self, name: str) -> None:
            self.name = name

        def handlers(self) -> Any:
            return {NodeDrained: heard[self.name].append}

    drained = NodeDrained(5, NO_CAUSE, "node-1")
    OnePass([ByWorkload({Workload("KubeInfer", name): [Hears(name)] for name in heard})]).feed([drained])
    assert heard == {"one": [drained], "other": [drained]}


def test_a_record_is_about_the_workload_of_its_instance_its_pod_or_its_name() -> None:
    records = told(Scale(100_000, 3))
    about = {
        workload_of(record) for record in records if hasattr(record, "instance") or hasattr(record, "pod")
    }
    assert about == {Workload("KubeInfer", "infer")}
    assert workload_of(PodEvicted(0, NO_CAUSE, "router", "router-0", "Drained")) == Workload(
        "Deployment", "router"
    )
    assert workload_of(NodeDrained(0, NO_CAUSE, "node-1")) is None
