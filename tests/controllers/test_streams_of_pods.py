"""What a pod's stages draw their lengths from: who changes these names changes every result of a seed."""

from __future__ import annotations

from controllers.playing import play
from field.user import User, asking, bare_pod, daemon_set, deployment, kubeinfer, replica_set, stateful_set

from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.assembly import Simulation


def test_a_stream_is_named_after_workload_ordinal_role_replica_and_generation(user: User) -> None:
    """Of a pod without a role the workload's name stands for it, and its replica is 0."""
    cpu = asking(cpu=1)
    workloads = [
        make(cpu) for make in (kubeinfer, deployment, replica_set, stateful_set, daemon_set, bare_pod)
    ]
    for each in workloads:
        if "replicas" in each["spec"]:
            each["spec"]["replicas"] = 1
    again = {"at": "1s", "object": "StatefulSet/chat", "deletePod": {"pods": [0]}}
    user.plans(
        *workloads,
        cluster={"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": 8}}]},
        initial="running",
        actions=[again],
        horizon="5s",
    )
    names = list[str]()

    def look(simulation: Simulation) -> None:
        names.extend(pod.stream_name for pod in simulation.workloads.pods())

    play(load_scenario(str(user.folder / "scenario.yaml")), (2, look))
    assert sorted(names) == [
        "DaemonSet/agent/0/agent/0/0",
        "Deployment/chat/0/chat/0/0",
        "Pod/p/0/p/0/0",
        "ReplicaSet/chat/0/chat/0/0",
        "StatefulSet/chat/0/chat/0/1",
        "chat/0/serve/0/0",
    ]
