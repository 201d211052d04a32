"""Pods that wait for a volume that another node uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from field.user import Raw, User, asking, deployment, kubeinfer

from kubeinfer_sim.cluster.records import ObjectMissing, PodGone, PodReady
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.simulate import simulate

CLAIM: Raw = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "c", "namespace": "prod"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
OF_CLAIM = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}


@pytest.mark.parametrize("workload", [deployment, kubeinfer])
def test_a_volume_is_attached_elsewhere_once_the_node_of_its_last_user_has_said_that_it_is_free(
    tmp_path: Path, workload: type
) -> None:
    """With the next of its statuses, which come every 10 s; the old pod takes 30 s to stop, the new one 1 m to load."""
    made = workload(asking(npu=8), replicas=1, **OF_CLAIM)
    timings = {"profile": "zero", "exit": "30s"}
    actions = [
        {"at": "1m", "cordon": ["node-0"]},
        {"at": "2m", "object": f"{made['kind']}/chat", "deletePod": {}},
    ]
    user = User(tmp_path)
    user.plans(made, CLAIM, cluster="2x8", initial="running", timings=timings, actions=actions, horizon="10m")
    run = simulate(load_scenario(str(tmp_path / "scenario.yaml")))
    (gone,) = [each.at for each in run.history.of(PodGone)]
    assert gone == 150_000
    if workload is deployment:  # an instance is made anew once its pods are gone
        (waits,) = run.history.of(ObjectMissing)
        assert (waits.at, waits.reason) == (120_000, "FailedAttachVolume")
    *_, ready = run.history.of(PodReady)
    assert gone <= ready.at <= gone + 10_000
