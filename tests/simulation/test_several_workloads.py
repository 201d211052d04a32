"""Several KubeInfers and Deployments side by side on the same nodes, each looked after by its own controllers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, get_args

import pytest
from building import kubeinfer, scenario
from cluster.bare_pods import Idle, bare_pod
from controllers.playing import NpuFault, of, play
from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.records import GangScheduled, InstanceRef, PodBound, PodCreated, PodDeleting
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied, DeploymentStatus
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceCreated,
    InstanceReady,
    InstanceRestarting,
    SpecApplied,
    Stalled,
    UpdateCompleted,
)
from kubeinfer_sim.controllers.kubeinfer.settings import Settings
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.model import KINDS_WITH_TEMPLATES, Kind, WorkloadSpec
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.report.kinds import LISTS
from kubeinfer_sim.scenario.actions.model import Apply, Crash, Drain, Fault, Scale, Target
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Exponential
from kubeinfer_sim.scenario.workloads import time_line
from kubeinfer_sim.simulation import workloads
from kubeinfer_sim.simulation.assembly import Simulation
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.strategies.workloads import KINDS as WRITTEN_AT_RANDOM

HOUR = 3_600_000
KUBEINFER = """\
apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {{name: {name}}}
spec:
  replicas: 2
  strategy: {{rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}}}
  template:
    spec:
      roles:
      - name: serve
        replicas: 1
        template:
          spec:
            containers:
            - {{name: engine, image: "vllm:1", resources: {{limits: {{huawei.com/ascend-1980: 8}}}}}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec:
  replicas: 2
  selector: {matchLabels: {app: router}}
  template:
    metadata: {labels: {app: router}}
    spec:
      containers:
      - {name: router, image: "router:1", resources: {limits: {huawei.com/ascend-1980: 8}}}
"""
THREE = "---\n".join([KUBEINFER.format(name="chat"), KUBEINFER.format(name="code"), DEPLOYMENT])


def of_file(text: str = THREE) -> tuple[WorkloadSpec, ...]:
    loaded = load_manifest([SourceText("three.yaml", text)])
    return (*loaded.kubeinfers, *loaded.deployments)


def three(*actions: Any, node_count: int = 8, **fields: Any) -> Scenario:
    """Two KubeInfers, chat and code, and a Deployment that is called chat, too."""
    made = scenario(kubeinfer(0), node_count, 60, 10, actions=actions, **fields)
    return replace(made, workloads=of_file())


def instances(records: Iterable[InstanceReady | InstanceCreated | InstanceRestarting]) -> list[str]:
    return [record.instance.name for record in records]


def test_all_objects_of_one_file_run_together_on_the_same_nodes() -> None:
    run = simulate(three(initial="empty"))
    assert run.end == "settled"
    assert Counter(instances(of(run, InstanceReady))) == Counter(["chat-0", "chat-1", "code-0", "code-1"])
    assert [each.kubeinfer for each in of(run, UpdateCompleted)] == ["chat", "code"]
    (applied,) = of(run, DeploymentApplied)
    assert (applied.deployment, of(run, DeploymentStatus)[-1].complete) == ("chat", True)
    bound = of(run, PodBound)
    assert len(bound) == len({each.node for each in bound}) == 6, "a whole node each"


def test_every_kind_has_its_line_in_every_table_of_kinds() -> None:
    kinds = set(get_args(Kind))
    assert {each.kind for each in get_args(WorkloadSpec)} == kinds
    assert {*KINDS_WITH_TEMPLATES, "Pod"} == kinds
    for table in (time_line.KINDS, workloads.KINDS, LISTS, WRITTEN_AT_RANDOM):
        assert set(table) == kinds


def test_uids_are_unique_over_all_workloads() -> None:
    run = simulate(three(Scale(HOUR, 3, name="code"), initial="empty"))
    refs = {each.pod.instance for each in of(run, PodCreated)}
    assert len(refs) == len({ref.uid for ref in refs}) == 7
    assert {(ref.kind, ref.owner) for ref in refs} == {
        ("KubeInfer", "chat"),
        ("KubeInfer", "code"),
        ("Deployment", "chat"),
    }


def test_an_update_of_one_leaves_the_others_alone() -> None:
    _, code, deployment = of_file(THREE.replace("vllm:1", "vllm:2").replace("router:1", "router:2"))
    changes = [Apply(HOUR, code), Apply(2 * HOUR, deployment), Scale(3 * HOUR, 1, name="chat")]
    run = simulate(three(*changes))
    applied = [(each.at, each.kubeinfer, each.changed) for each in of(run, SpecApplied)]
    assert applied == [
        (0, "chat", ("created",)),
        (0, "code", ("created",)),
        (HOUR, "code", ("template",)),
        (3 * HOUR, "chat", ("replicas",)),
    ]
    deleted = [(each.at // HOUR, each.pod.name) for each in of(run, PodDeleting)]
    assert Counter(deleted) == Counter(
        [(1, "code-0-serve-0"), (1, "code-1-serve-0"), (2, "chat-0"), (2, "chat-1"), (3, "chat-1-serve-0")]
    )


def test_what_one_holds_another_waits_for() -> None:
    run = simulate(three(Scale(HOUR, 1, name="chat"), node_count=5, initial="empty"))
    (waited,) = [each.instance for each in of(run, GangScheduled) if each.at >= HOUR]
    assert (waited.kind, waited.name) == ("Deployment", "chat-1")
    assert of(run, Stalled) == [], "both KubeInfers had all they asked for"


def test_a_stall_is_that_of_the_kubeinfer_that_waits() -> None:
    run = simulate(three(node_count=3, initial="empty", horizon=HOUR))
    assert {each.kubeinfer for each in of(run, Stalled)} == {"code"}


def test_a_pod_that_fails_is_recovered_by_its_own_owner() -> None:
    code = Crash(HOUR, Target(name="code", instances=(0,)))
    deployment = Crash(2 * HOUR, Target(kind="Deployment", name="chat", instances=(1,)))
    run = simulate(three(code, deployment))
    assert instances(of(run, InstanceRestarting)) == ["code-0"]
    assert [each.pod.name for each in of(run, PodDeleting)] == ["code-0-serve-0"], (
        "kubelets restart the other"
    )


def test_what_the_platform_tells_goes_to_the_pods_owner() -> None:
    def tell(simulation: Simulation) -> None:
        for pod in list(simulation.workloads.pods()):
            if pod.ref.instance.ordinal == 1:
                pod.owner.npu_fault(pod, NpuFault("CardDrop"), -1)

    run = play(three(), (100, tell))
    assert instances(of(run, InstanceRestarting)) == ["chat-1", "code-1"]


def test_a_drain_evicts_the_pods_of_all() -> None:
    run = simulate(three(Drain(HOUR, tuple(f"node-{i}" for i in range(6))), node_count=12))
    evicted = [each.pod.instance for each in of(run, PodDeleting)]
    assert Counter((ref.kind, ref.owner) for ref in evicted) == {
        ("KubeInfer", "chat"): 2,
        ("KubeInfer", "code"): 2,
        ("Deployment", "chat"): 2,
    }


def test_the_pods_at_the_end_are_those_of_all() -> None:
    run = simulate(three())
    assert run.pods is not None
    names = [each.ref.name for each in run.pods]
    assert names == [
        "chat-0-serve-0",
        "chat-1-serve-0",
        "code-0-serve-0",
        "code-1-serve-0",
        "chat-0",
        "chat-1",
    ]
    assert all(each.columns.status == "Running" for each in run.pods)


def test_the_same_inputs_give_the_same_records() -> None:
    actions = (Fault(HOUR, "ProcessCrash", random="pod"), Drain(2 * HOUR, ("node-1",)))
    first, second = simulate(three(*actions)), simulate(three(*actions))
    assert list(first.history) == list(second.history)


def about(run: Run, name: str) -> list[tuple[Any, ...]]:
    """What happens to a KubeInfer, but for numbers that count what others do, too."""

    def owner(record: Record) -> InstanceRef | None:
        pod = getattr(record, "pod", None)
        return getattr(record, "instance", None) or getattr(pod, "instance", None)

    return [
        (record.at, type(record).__name__, ref.ordinal)
        for record in run.history
        if (ref := owner(record)) is not None and (ref.kind, ref.owner) == ("KubeInfer", name)
    ]


def test_one_more_changes_nothing_for_those_that_are_there_already() -> None:
    """Draws are named after what they decide: faults of the first strike it just as often, just then."""
    crashes = FaultProcess("crashes", "pod", Exponential(20 * HOUR), (MixPart(1, "ProcessCrash"),))
    both = three(node_count=20, horizon=100 * HOUR, faults=FaultPlan((crashes,)))
    alone = replace(both, workloads=both.workloads[:1])
    one, several = simulate(alone), simulate(both)
    assert about(one, "chat") == about(several, "chat")
    assert len(of(one, InstanceRestarting)) > 5
    assert {each.instance.owner for each in of(several, InstanceRestarting)} == {"chat", "code"}


def test_an_action_that_names_none_means_the_only_one_of_its_kind() -> None:
    made = three()
    alone = replace(made, workloads=made.workloads[1:], actions=(Scale(HOUR, 1),))
    assert of(simulate(alone), SpecApplied)[-1].replicas == 1
    with pytest.raises(ValueError, match="too many values"):
        simulate(replace(made, actions=(Scale(HOUR, 1),)))


class BarePods(Idle):
    """Pods that nobody makes anew, as a third kind of workload."""

    def __init__(self, cluster: Cluster, spec: Any, settings: Settings) -> None:
        self._cluster = cluster
        self._replicas = spec.replicas

    def start(self, *, running: bool) -> None:
        for number in range(self._replicas):
            pod = bare_pod(self, f"bare-{number}", npus=8)
            pod.last = self._cluster.env.history.append(PodCreated(0, NO_CAUSE, pod.ref))
            self._cluster.scheduling.submit(PodGang(pod.ref.instance, (pod,), pod.last))


def test_a_third_kind_of_workload_is_one_room_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Spec(NamedTuple):
        kind = "BarePods"
        name: str
        replicas: int
        pod_templates = ()
        ties_device_plugin = False

    monkeypatch.setitem(workloads.KINDS, "BarePods", BarePods)
    made = three(Drain(HOUR, ("node-6", "node-7")), initial="empty")
    run = simulate(replace(made, workloads=(*made.workloads, Spec("bare", 2))))  # type: ignore[arg-type]
    placed = [each.instance.owner for each in of(run, GangScheduled)]
    assert Counter(placed) == {"chat": 4, "code": 2, "infer": 2}
    assert [each.pod.role for each in of(run, PodBound) if each.pod.instance.owner == "infer"] == [
        "bare-0",
        "bare-1",
    ]
