"""Bugs planted in the simulator itself, one function each, and the invariant that speaks up.

What `test_invariants.py` does to records is done here to the code that makes them: a scenario as a user writes it is
played with one function replaced. Without the bug all invariants hold in it.
"""

from __future__ import annotations

import itertools
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from field.user import NPU, Raw, User, asking, deployment, kubeinfer
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import GangPending, PodGone, PodNotReady
from kubeinfer_sim.controllers.kubeinfer.records import InstanceRestarting
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.self_contained import whole_scenario
from kubeinfer_sim.testing.invariants import (
    CATALOGUE,
    OF_TWO_RUNS,
    Invariant,
    InvariantsBroken,
    checked,
    same_beside_an_inert_action,
    same_beside_an_unused_pool,
    same_twice,
)

#: What a bug makes of the function that was there.
Bug = Callable[[Any], Any]

# -- scenarios ------------------------------------------------------------------------------------------------

PROBE = {"tcpSocket": {"port": 1}, "periodSeconds": 1}
PROBED = {"readinessProbe": PROBE}
HOOKED = {**PROBED, "lifecycle": {"preStop": {"exec": {"command": ["sleep", "20"]}}}}
LABEL = {"modelarts-infer-npu-reset-enable": "true"}
UPDATE = {"at": "10s", "apply": {"newRevision": True}}
DIES = {"at": "10s", "crash": {"pods": [0]}}


def gang(**fields: Any) -> Raw:
    """A KubeInfer whose instances are two pods of 4 NPUs."""
    pods = kubeinfer({**asking(npu=4), **PROBED}, **fields)
    pods["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    return pods


def fault(**more: Any) -> Raw:
    return {"at": "50s", "fault": {"kind": "NpuFault", "node": "node-0", "npu": 3, **more}}


#: Scenarios in which an invariant once saw what is no bug.
FALSE_ALARMS = {"eviction of one pod of an instance, which is restarted for it"}
#: By name: the manifest, the cluster, and what else the scenario has.
SCENARIOS: dict[str, tuple[Raw, Raw | str, Raw]] = {
    "update": (gang(replicas=2, surge=1), "3x8", {"actions": [UPDATE]}),
    "update, drawn": (
        gang(replicas=2, surge=1),
        "3x8",
        {
            "actions": [UPDATE],
            "timings": {"profile": "zero", "weights": {"uniform": {"low": "10s", "high": "20s"}}},
        },
    ),
    "update that makes room first": (gang(replicas=2), "3x8", {"actions": [UPDATE]}),
    "update of a Deployment": (
        deployment({**asking(npu=8), **PROBED}, replicas=2, surge=1),
        "4x8",
        {"actions": [UPDATE]},
    ),
    "update of a Deployment that makes room first": (
        deployment({**asking(npu=8), **PROBED}),
        "4x8",
        {"actions": [UPDATE]},
    ),
    "room for two by their cpu": (
        deployment({**asking(npu=1, cpu="3"), **PROBED}),
        {"pools": [{"name": "node", "count": 1, "allocatable": {"cpu": "8", "memory": "1Ti", NPU: 8}}]},
        {"initial": "empty"},
    ),
    "drain under a budget": (
        deployment({**asking(npu=8), **PROBED}, replicas=2),
        "2x8",
        {
            "actions": [{"at": "10s", "drain": {"nodes": ["node-0", "node-1"], "timeout": "30s"}}],
            "podDisruptionBudgets": [{"name": "keep", "matchLabels": {"app": "chat"}, "minAvailable": 2}],
            "horizon": "1h",
        },
    ),
    "eviction of one pod of an instance, which is restarted for it": (
        gang(replicas=1),
        "2x8",
        {
            "actions": [{"at": "10s", "evictPod": {"pods": [0]}}],
            "podDisruptionBudgets": [{"name": "keep", "matchLabels": {"app": "chat"}, "minAvailable": 1}],
        },
    ),
    "too few nodes": (gang(), "2x8", {"initial": "empty"}),
    "too few nodes for a Deployment": (deployment({**asking(npu=8)}), "2x8", {"initial": "empty"}),
    "room for half a gang": (gang(replicas=2, schedulerName="volcano"), "1x12", {"initial": "empty"}),
    "crash of a container that is dead": (
        deployment({**HOOKED, **asking(npu=8)}, replicas=1),
        "2x8",
        {"actions": [{"at": f"{at}s", "crash": {"pods": [0]}} for at in (10, 15, 20)]},
    ),
    "deletion of a pod that is dead": (
        deployment({**HOOKED, **asking(npu=8)}, replicas=1),
        "2x8",
        {"actions": [DIES, {"at": "15s", "crash": {"pods": [0]}}, {"at": "20s", "scale": 0}]},
    ),
    "crash of both pods of a gang": (
        gang(replicas=1),
        "2x8",
        {"actions": [{"at": f"{at}s", "crash": {"pods": [at % 2]}} for at in (10, 11)]},
    ),
    "fault that is reported late": (
        kubeinfer({**asking(npu=8), **PROBED}, replicas=1, labels=LABEL),
        "1x8",
        {"actions": [fault()], "timings": {"profile": "zero"}},
    ),
    "fault that does not show": (
        kubeinfer({**asking(npu=8), **PROBED}, replicas=1),
        "1x8",
        {"actions": [fault(symptom="none", repair="1h")], "horizon": "3h"},
    ),
    "fault beside another instance": (
        kubeinfer({**asking(npu=4), **PROBED}, replicas=2, labels=LABEL),
        "1x8",
        {"actions": [fault()], "horizon": "3h"},
    ),
    "check that fails to the end": (
        gang(replicas=2, surge=1),
        "3x8",
        {"actions": [{"at": "10s", "health": {"pods": [0], "probes": ["readiness"]}}], "horizon": "1h"},
    ),
    "check that fails for a while": (
        gang(replicas=2, surge=1),
        "3x8",
        {"actions": [{"at": "10s", "health": {"pods": [0], "probes": ["readiness"], "lasts": "1m"}}]},
    ),
}


# -- bugs -----------------------------------------------------------------------------------------------------


def always(value: Any) -> Bug:
    return lambda original: lambda *args, **options: value


def always_true(original: property) -> property:
    return property(lambda self: True)


def never_true(original: property) -> property:
    return property(lambda self: False)


def more(by: int) -> Bug:
    return lambda original: property(lambda self: original.__get__(self) + by)


def twice(original: Any) -> Any:
    def planted(*args: Any) -> Any:
        original(*args)
        return original(*args)

    return planted


def first_node(original: Any) -> Any:
    return lambda self, pod, node, *args, **options: original(
        self, pod, next(iter(self.nodes.values())), *args, **options
    )


def with_its_first_pod(original: Any) -> Any:
    return lambda self, job: original(self, job) or self._given_to(job, now=True) > 0


def without(kind: type[Record]) -> Bug:
    def planted(original: Any) -> Any:
        return lambda self, record: record.cause if type(record) is kind else original(self, record)

    return planted


def one_more_allowed(original: Any) -> Any:
    def planted(self: Any, **pods: int) -> Any:
        status = original(self, **pods)
        return replace(status, allowed=status.allowed + 1)

    return planted


def uncaused(kind: type[Record]) -> Bug:
    def planted(original: Any) -> Any:
        def append(self: Any, record: Record) -> int:
            if type(record) is kind:
                record.cause = NO_CAUSE
            return original(self, record)

        return append

    return planted


def lost_for_longer(original: Any) -> Any:
    """The last instant counts as lost, too, though time ends there."""

    def planted(desired: Any, ready: Any, since: int, until: int) -> Any:
        made = original(desired, ready, since, until)
        return replace(made, lost=made.lost + 1)

    return planted


def of_its_cause(original: Any) -> Any:
    """A reference names the record as the first cause, not where its chain began."""
    return lambda self, record: (original(self, record), record.id + 1 << 40 | record.id)[1]


def alive(original: Any) -> Any:
    """Containers of a pod that are dead are taken to run."""

    def planted(worker: Any, draws: Any, **options: Any) -> Any:
        dead = [each for each in worker.containers if each.dead]
        for each in dead:
            each.dead = False
        stages = original(worker, draws, **options)
        for each in dead:
            each.dead = True
        return stages

    return planted


def exits_again(original: Any) -> Any:
    def planted(self: Any, worker: Any, container: Any, *args: Any, **options: Any) -> Any:
        container.dead = False
        return original(self, worker, container, *args, **options)

    return planted


def looks_at_one(original: Any) -> Any:
    """A group is reset as soon as the broken NPU is idle."""

    def planted(self: Any, group: Any) -> None:
        if self._waiting[group[0]].npu.idle and group[0] not in self._resetting:
            self._begin_reset(group, 1)

    return planted


def with_one_more_to_spare(original: Any) -> Any:
    return lambda sizes, spare: original(sizes, spare + 1)


def the_first_left_out(original: Any) -> Any:
    return lambda *args: original(*args)[1:]


def as_it_began(original: Any) -> Any:
    return lambda history, at, ended_at: original(history, 0, ended_at)


def later_by(what: Callable[[Scenario], int]) -> Bug:
    """All that is done is done so many milliseconds later."""

    def planted(original: Any) -> Any:
        def assemble(scenario: Scenario, *args: Any, **options: Any) -> Any:
            actions = (replace(each, at=each.at + what(scenario)) for each in scenario.actions)
            return original(replace(scenario, actions=tuple(actions)), *args, **options)

        return assemble

    return planted


def goes_on_from_run_to_run(original: Any) -> Any:
    numbers = itertools.count()
    return lambda self: (original(self) + 0.1 * next(numbers)) % 1


def a_second_later(original: Any) -> Any:
    """What is foreseen of a start is that of another one."""

    def planted(self: Any, start: Any) -> Any:
        typical, shift = original(self, start)
        return typical, shift + 1000

    return planted


class Planted(NamedTuple):
    """A bug: what it does to the function of this name, in which scenario, and the invariant that sees it."""

    function: str
    bug: Bug
    scenario: str
    invariant: str


_CLUSTER, _KUBEINFER = "kubeinfer_sim.cluster", "kubeinfer_sim.controllers.kubeinfer"
_DEPLOYMENT = "kubeinfer_sim.controllers.deployment"
PLANTED = {
    "what a pod held stays in use": Planted(f"{_CLUSTER}.api.Api._release", always(0), "update", "INV-01"),
    "what a pod held is given back twice": Planted(f"{_CLUSTER}.api.Api._release", twice, "update", "INV-01"),
    "pods that are placed take nothing of a node": Planted(
        f"{_CLUSTER}.scheduler.node_state.NodeState._count", always(None), "update", "INV-02"
    ),
    "a gang is placed when one of its pods is": Planted(
        f"{_CLUSTER}.scheduler.volcano.session.Session.ready",
        with_its_first_pod,
        "room for half a gang",
        "INV-03",
    ),
    "every pod is bound to the first node": Planted(
        f"{_CLUSTER}.api.Api.bind", first_node, "update", "INV-04"
    ),
    "a container that is dead ends once more": Planted(
        f"{_CLUSTER}.kubelet.containers.Containers.runs",
        exits_again,
        "crash of a container that is dead",
        "INV-05",
    ),
    "containers that are dead get a preStop hook": Planted(
        f"{_CLUSTER}.kubelet.pod_termination.pod_stop_stages",
        alive,
        "deletion of a pod that is dead",
        "INV-05",
    ),
    "nobody writes that a pod is not ready": Planted(
        "kubeinfer_sim.engine.history.History.append",
        without(PodNotReady),
        "check that fails for a while",
        "INV-06",
    ),
    "one instance too many": Planted(f"{_KUBEINFER}.budget.Budget.ceiling", more(1), "update", "INV-07"),
    "one pod of a Deployment too many": Planted(
        f"{_DEPLOYMENT}.rolling.Bounds.ceiling", more(1), "update of a Deployment", "INV-07"
    ),
    "one instance too few": Planted(
        f"{_KUBEINFER}.budget.Budget.min_available", more(-1), "update that makes room first", "INV-08"
    ),
    "one pod of a Deployment too few": Planted(
        f"{_DEPLOYMENT}.rolling.scale_down",
        with_one_more_to_spare,
        "update of a Deployment that makes room first",
        "INV-08",
    ),
    "each pod of a gang that fails is a restart": Planted(
        f"{_KUBEINFER}.instance.Instance.incarnation_over",
        never_true,
        "crash of both pods of a gang",
        "INV-09",
    ),
    "what the platform reports is a failure of its own": Planted(
        f"{_KUBEINFER}.recovery._struck_before", always(None), "fault that is reported late", "INV-09"
    ),
    "what caused something is taken for its first cause": Planted(
        "kubeinfer_sim.engine.history.History.append", of_its_cause, "update", "INV-10"
    ),
    "an NPU is repaired under its holder": Planted(
        f"{_CLUSTER}.devices.npu.Npu.idle", always_true, "fault that does not show", "INV-11"
    ),
    "a ring is reset while a neighbour computes": Planted(
        f"{_CLUSTER}.devices.npu_resets.NpuResets._try_reset",
        looks_at_one,
        "fault beside another instance",
        "INV-11",
    ),
    "a cause is not charged": Planted(
        "kubeinfer_sim.experiment.figures.attribute",
        the_first_left_out,
        "update that makes room first",
        "INV-12",
    ),
    "nobody writes why an instance waits": Planted(
        "kubeinfer_sim.engine.history.History.append", without(GangPending), "too few nodes", "INV-13"
    ),
    "nobody writes why a pod of a Deployment waits": Planted(
        "kubeinfer_sim.engine.history.History.append",
        without(GangPending),
        "too few nodes for a Deployment",
        "INV-13",
    ),
    "pods does not show the first one": Planted(
        "kubeinfer_sim.simulation.pod_objects.PodObjects.at", the_first_left_out, "update", "INV-14"
    ),
    "why tells of another time": Planted(
        "kubeinfer_sim.testing.invariants.numbers.look", as_it_began, "check that fails to the end", "INV-14"
    ),
    "pods that are placed take nothing of a node, of which cpu is short": Planted(
        f"{_CLUSTER}.scheduler.node_state.NodeState._count",
        always(None),
        "room for two by their cpu",
        "INV-16",
    ),
    "nobody writes that a pod is gone": Planted(
        "kubeinfer_sim.engine.history.History.append",
        without(PodGone),
        "update that makes room first",
        "INV-17",
    ),
    "nobody knows what a restart is for": Planted(
        "kubeinfer_sim.engine.history.History.append",
        uncaused(InstanceRestarting),
        "crash of both pods of a gang",
        "INV-18",
    ),
    "the instant of the end is counted as lost": Planted(
        "kubeinfer_sim.metrics.served.service",
        lost_for_longer,
        "update of a Deployment that makes room first",
        "INV-19",
    ),
    "a budget allows one disruption more": Planted(
        f"{_CLUSTER}.disruption.controller.BudgetSpec.status",
        one_more_allowed,
        "drain under a budget",
        "INV-21",
    ),
    "what is foreseen of a start is that of another one": Planted(
        f"{_CLUSTER}.prober.forecast.Forecasts._typical", a_second_later, "update", "INV-24"
    ),
    "what is foreseen of a Deployment's pod is that of another one": Planted(
        f"{_CLUSTER}.prober.forecast.Forecasts._typical", a_second_later, "update of a Deployment", "INV-24"
    ),
    "draws go on from one run to the next": Planted(
        "kubeinfer_sim.engine.streams.Stream.random", goes_on_from_run_to_run, "update, drawn", "INV-15"
    ),
    "each node delays what is done": Planted(
        "kubeinfer_sim.simulation.simulate.assemble",
        later_by(lambda scenario: len(scenario.nodes)),
        "update",
        "INV-22",
    ),
    "each action delays what is done": Planted(
        "kubeinfer_sim.simulation.simulate.assemble",
        later_by(lambda scenario: len(scenario.actions)),
        "update",
        "INV-23",
    ),
}


# -- what is seen ---------------------------------------------------------------------------------------------


def broken(folder: Path, name: str) -> set[str]:
    """The invariants that do not hold in a scenario."""
    manifest, cluster, spec = SCENARIOS[name]
    user = User(folder)
    user.plans(manifest, cluster=cluster, **{"timings": {"profile": "zero", "weights": "20s"}, **spec})
    path = str(folder / "scenario.yaml")
    scenario = load_scenario(path)
    try:
        run = checked(scenario)
        same_twice(scenario, run)
        same_beside_an_unused_pool(scenario, run)
        same_beside_an_inert_action(whole_scenario(path), 15_000)
    except InvariantsBroken as error:
        return {each.number for each in error.violations}
    return set()


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_a_bug_all_invariants_hold(tmp_path: Path, name: str) -> None:
    assert broken(tmp_path, name) == set()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    planted = PLANTED[name]
    where, _, function = planted.function.rpartition(".")
    original = getattr(pkgutil.resolve_name(where), function)
    if isinstance(vars(pkgutil.resolve_name(where)).get(function), property):
        original = vars(pkgutil.resolve_name(where))[function]
    monkeypatch.setattr(planted.function, planted.bug(original))
    assert planted.invariant in broken(tmp_path, planted.scenario)


def test_every_invariant_has_a_bug_that_it_sees() -> None:
    assert {each.invariant for each in PLANTED.values()} == {
        each.number for each in CATALOGUE
    } | OF_TWO_RUNS.keys() - {"INV-20"}
    assert {each.scenario for each in PLANTED.values()} == SCENARIOS.keys() - FALSE_ALARMS


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.number)
def test_what_an_invariant_is_said_to_have_caught_is_planted_here(kind: type[Invariant]) -> None:
    assert PLANTED[kind.caught].invariant == kind.number
