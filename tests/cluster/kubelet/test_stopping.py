"""Pods that are deleted at an awkward time: while they are set up, killed, have no node, or their node is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from building import EVERY_SECOND, kubeinfer, scenario, seconds
from field.user import User, asking, bare_pod, deployment
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    PodDeleting,
    PodGone,
    PodStopping,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.model import Container, Probe
from kubeinfer_sim.scenario.actions.model import (
    Action,
    DeletePods,
    Health,
    ImageFault,
    NodeDown,
    Scale,
    Target,
)
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

MINUTE = 60_000
FETCH = Container("fetch", "fetch:1")
PROXY = Container("proxy", "proxy:1", restart_policy="Always")
LIVENESS = Probe(period_seconds=10, failure_threshold=3)
SICK = Health(MINUTE, Target(), False, probes=("liveness",))


def played(*actions: Action, init: tuple[Container, ...] = (), term: float = 5, **fields: Any) -> Run:
    """One pod, created at 0 s, whose restarts are the kubelet's: images take 10 s, the engine loads in 20 s."""
    template = fields.pop("template", {})
    spec = kubeinfer(restart="Custom", init_containers=init, **template)
    stages = {"image_cold": seconds(10), "sidecar_exit": seconds(1), "init": seconds(30)}
    return simulate(scenario(spec, 1, 20, term, initial="empty", actions=actions, stages=stages, **fields))


def at(run: Run, kind: type[Record]) -> list[int]:
    return [record.at for record in run.history.of(kind)]


@pytest.mark.parametrize(
    ("init", "stops"),
    [
        (FETCH, [("exit", 1_000), ("cleanup", 0)]),
        (PROXY, [("sidecar proxy", 1_000), ("cleanup", 0)]),
    ],
    ids=["init container", "sidecar"],
)
def test_the_container_whose_image_is_being_pulled_when_the_pod_is_deleted_is_started_and_stopped(
    init: Container, stops: list[tuple[str, int]]
) -> None:
    """A sync is not cut short: the image is there at 10 s."""
    run = played(Scale(5_000, 0), init=(init,))
    (stopping,) = run.history.of(PodStopping)
    assert stopping.at == 10_000
    assert [(str(stage.name), stage.duration) for stage in stopping.stages] == stops
    assert at(run, PodGone) == [10_000 + stops[0][1]]


def test_a_container_that_a_probe_kills_is_waited_for_by_the_deletion_of_its_pod() -> None:
    """With policy Never no sync starts it again; it takes 5 s to die."""
    template = {"liveness": LIVENESS, "restart_policy": "Never"}
    run = played(SICK, template=template)
    (killing,) = at(run, ContainerKilling)
    run = played(SICK, Scale(killing + 2_000, 0), template=template)
    assert at(run, ContainerDied) == [killing + 5_000]
    assert at(run, PodGone) == [killing + 5_000]


@pytest.mark.parametrize(("term", "grace", "code"), [(5, 30, 143), (60, 30, 137)])
def test_what_ends_on_sigterm_has_another_exit_code_than_what_is_killed(
    term: float, grace: int, code: int
) -> None:
    run = played(SICK, term=term, template={"liveness": LIVENESS, "grace": grace}, horizon=3 * MINUTE)
    first, *_ = run.history.of(ContainerDied)
    assert first.exit_code == code


def test_the_last_sidecar_has_what_is_left_of_the_grace_period_to_the_millisecond() -> None:
    stages = {"sidecar_exit": seconds(8)}
    spec = kubeinfer(init_containers=(PROXY,), grace=10)
    run = simulate(scenario(spec, 1, 20, 5, actions=(Scale(MINUTE, 0),), stages=stages))
    (deleting,) = run.history.of(PodDeleting)
    left = deleting.stages[1]
    assert (str(left.name), left.duration, left.regime) == ("sidecar proxy", 5_000, "SIGKILL")


def test_checks_that_fall_sick_while_a_pod_is_being_stopped_kill_nothing() -> None:
    again = replace(SICK, at=SICK.at + 2 * MINUTE, probes=("readiness",))
    run = played(
        SICK,
        Scale(MINUTE + 1_000, 0),
        again,
        term=600,
        template={"liveness": LIVENESS, "readiness": EVERY_SECOND},
    )
    assert not at(run, ContainerKilling)
    assert at(run, PodGone) == [MINUTE + 1_000 + 600_000]


def test_a_pod_that_waits_for_a_node_and_is_deleted_is_terminating_while_a_finalizer_keeps_it(
    tmp_path: Path,
) -> None:
    user = User(tmp_path)
    made = bare_pod(asking(npu=9))
    made["metadata"]["finalizers"] = ["example.com/kept"]
    actions = [{"at": "1m", "deleteObject": "Pod/p"}]
    user.plans(made, cluster="1x8", initial="empty", actions=actions, horizon="1h")
    user.runs()
    assert [each["status"] for each in user.pods("59s")] == ["Pending"]
    assert [each["status"] for each in user.pods("2m")] == ["Terminating"]


@pytest.mark.parametrize("again", ["1m", "2m"])
def test_a_pod_that_waits_for_a_node_and_is_deleted_twice_is_deleted_once(tmp_path: Path, again: str) -> None:
    """Though a finalizer keeps its object; the pod that replaces it is another one."""
    user = User(tmp_path)
    made = deployment(asking(npu=9), replicas=1)
    made["spec"]["template"]["metadata"]["finalizers"] = ["example.com/kept"]
    actions = [{"at": "1m", "deletePod": {}}, {"at": again, "deletePod": {}}]
    user.plans(made, cluster="1x8", initial="empty", actions=actions, horizon="1h")
    run = simulate(load_scenario(str(tmp_path / "scenario.yaml")))
    deleted = [each.pod for each in run.history.of(PodDeleting)]
    assert len({*deleted}) == len(deleted) > 0


def test_a_pod_that_is_deleted_while_its_volumes_are_mounted_stops_when_its_image_cannot_be_had() -> None:
    """The sync goes on until the registry has refused."""
    stages = {"volumes": seconds(20)}
    made = scenario(kubeinfer(), 1, 20, 5, initial="empty", stages=stages)
    run = simulate(replace(made, actions=(ImageFault(0), Scale(5_000, 0))))
    assert at(run, PodStopping) == at(run, PodGone) == [20_000]


def test_a_kubelet_that_ends_leaves_no_pod_of_its_node_going_on_whatever_becomes_of_another_one() -> None:
    """From 10 s to 60 s: the first pod is being deleted, and the image of the second one is pulled anew then."""
    spec = kubeinfer(2, npus=4, restart="Custom")
    down = NodeDown(10_000, ("node-0",), "kubeletRestart", 60_000, plugin_after=0)
    made = scenario(spec, 1, 20, 5, initial="empty", stages={"image_cold": seconds(30)})
    run = simulate(replace(made, actions=(DeletePods(5_000, Target(instances=(0,))), down)))
    second = [each.at for each in run.history.of(ContainersRunning) if each.pod.instance.ordinal == 1]
    assert second == [90_000]
