"""Every switch of `spec.assumptions`, from the scenario file to the result: another value, another prediction."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import pytest

from kubeinfer_sim.cli.main import run as command_line
from kubeinfer_sim.report.assumptions import assumptions
from kubeinfer_sim.scenario.model import Assumptions

MANIFEST = """\
apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: chat, namespace: default}
spec:
  replicas: ${replicas}
  strategy: {type: InstanceRollingUpdate, rollingUpdate: {maxSurge: ${surge}, maxUnavailable: ${unavailable}}}
  template:
    spec:
      roles:
      - name: prefill
        replicas: ${prefill}
        recoveryPolicy: {type: Restart, restart: ${restart}}
        template: &pod
          metadata: {labels: ${label}}
          spec:
            terminationGracePeriodSeconds: 60
            priorityClassName: ${priority}
            containers:
            - name: engine
              image: "vllm:1"
              readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
              ${probe}
              resources: &npus {requests: {huawei.com/ascend-1980: ${npus}}, limits: {huawei.com/ascend-1980: ${npus}}}
      - name: decode
        replicas: ${decode}
        recoveryPolicy: {type: Restart, restart: ${restart}}
        template: *pod
${beside}
"""

#: Pods of less importance, on two nodes.
BATCH = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: batch, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: batch}}
  template:
    metadata: {labels: {app: batch}}
    spec:
      containers:
      - name: main
        image: "batch:1"
        resources: &all {requests: {huawei.com/ascend-1980: 8}, limits: {huawei.com/ascend-1980: 8}}
"""

FILE = """\
apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {{name: switch}}
spec:
  manifest: {{path: chat.yaml}}
  cluster: {0}
  timings: {{profile: zero, create: 1s, graphWarm: {1}, graphCold: {1}, exit: 20s, cleanup: 1s{2}}}
  assumptions: {{{3}}}
{4}
"""

VALUES = {
    "replicas": "1",
    "surge": "0",
    "unavailable": "1",
    "prefill": "1",
    "decode": "1",
    "restart": "Instance",
    "npus": "8",
    "priority": "system-cluster-critical",
    "label": "{app: chat}",
    "probe": "",
}


class Case(NamedTuple):
    """Two values of a switch, and something that makes them differ; `set` fills the manifest."""

    values: tuple[str, str]
    happens: str
    set: dict[str, str] = {}  # noqa: RUF012 - never changed
    cluster: str = "4x8"
    load: str = "60s"
    stages: str = ""
    beside: str = ""
    with_it: str = ""


CRASHES = "  actions: [{at: 100s, crash: {roles: [decode]}}, {at: 190s, crash: {roles: [decode]}}]"
UPDATE = "  update: {newRevision: true}"
#: The default first.
CASES = {
    # The pull of one pod takes long: the other role's engine starts without it, or waits.
    "startBarrier": Case(
        ("instance", "role"),
        "  initial: empty",
        cluster="{pools: [{name: a, count: 1, allocatable: {huawei.com/ascend-1980: 8}, images: ['vllm:1']}, "
        "{name: b, count: 1, allocatable: {huawei.com/ascend-1980: 8}}]}",
        stages=", imageCold: 5m",
    ),
    "traffic": Case(
        ("wholeInstance", "perPod"),
        "  traffic: {requestsPerSecond: 4, requestDuration: 10s}\n"
        "  actions: [{at: 100s, health: {roles: [decode], lasts: 1m}}]",
    ),
    "replacement": Case(("TerminationComplete", "TerminationStarted"), UPDATE),
    # An old instance that is not ready is waited for while no ready one may go.
    "unreadyGrace": Case(
        ("10s", "2m"),
        UPDATE + "\n  actions: [{at: 1s, crash: {instances: [0], roles: [decode]}}]",
        {"replicas": "2", "surge": "0", "unavailable": "1"},
    ),
    "oldInstanceFailure": Case(
        ("replaceNew", "rebuildOld"),
        UPDATE + "\n  actions: [{at: 1s, crash: {instances: [0], roles: [decode]}}]",
        {"replicas": "2"},
        with_it="unreadyGrace: 10m",
    ),
    # An old instance that is out, low in the order, uses up the budget.
    "unreadyOld": Case(
        ("outsideBudget", "inOrder"),
        UPDATE
        + "\n  actions: [{at: 1s, health: {instances: [0], roles: [decode], lasts: 10m}}]\n  horizon: 1h",
        {"replicas": "2", "surge": "0", "unavailable": "1"},
    ),
    # The second instance of the revision in between is on its way when the next one comes.
    "middleRevision": Case(
        ("replaced", "finished"),
        "  actions: [{at: 0s, apply: {newRevision: true}}, {at: 120s, apply: {newRevision: true}}]",
        {"replicas": "3"},
        cluster="8x8",
    ),
    "replacedAtOnce": Case(("budget", "one"), UPDATE, {"replicas": "3", "unavailable": "2"}, cluster="8x8"),
    "ordinals": Case(
        ("lowestFree", "fixed"), UPDATE, {"replicas": "2", "surge": "1", "unavailable": "0"}, cluster="8x8"
    ),
    "scaleIn": Case(
        ("oldFirst", "highestOrdinal"),
        UPDATE + "\n  actions: [{at: 90s, scale: 2}]",
        {"replicas": "4"},
        cluster="8x8",
    ),
    "groupTermination": Case(("together", "failedFirst"), CRASHES),
    "startupCrash": Case(
        ("rebuild", "kubelet"), "  initial: empty\n  actions: [{at: 30s, crash: {roles: [decode]}}]"
    ),
    "backoff": Case(("[0s, 30s]", "[0s, 5m]"), CRASHES),
    "backoffReset": Case(("20m", "10s"), CRASHES),
    "maxRestarts": Case(("null", "1"), CRASHES),
    "maxRestartsWindow": Case(("1h", "10s"), CRASHES, with_it="maxRestarts: 1"),
    # Placed on the large node since the small ones are cordoned; when it is rebuilt they are not any more.
    "keepNodes": Case(
        ("false", "true"),
        "  actions:\n  - {at: 0s, cordon: {pool: small}}\n  - {at: 1s, scale: 1}\n"
        "  - {at: 100s, uncordon: {pool: small}}\n  - {at: 200s, crash: {roles: [decode]}}",
        {"replicas": "0"},
        cluster="{pools: [{name: large, count: 1, allocatable: {huawei.com/ascend-1980: 16}}, "
        "{name: small, count: 2, allocatable: {huawei.com/ascend-1980: 8}}]}",
    ),
    "peerLossTimeout": Case(
        ("never", "3m"),
        "  actions: [{at: 100s, crash: {roles: [decode], pods: [0]}}]\n  horizon: 1h",
        {"decode": "2", "restart": "Pod"},
    ),
    "scheduler": Case(("null", "volcano"), UPDATE),
    # The third instance waits already when the first, which is rebuilt, begins to wait.
    "podGroup": Case(
        ("new", "kept"),
        "  actions:\n  - {at: 50s, scale: 3}\n  - {at: 60s, cordon: {pool: a}}\n"
        "  - {at: 100s, crash: {instances: [0], roles: [decode]}}\n  - {at: 200s, uncordon: {pool: a}}\n"
        "  horizon: 10m",
        {"replicas": "2"},
        cluster="{pools: [{name: a, count: 4, allocatable: {huawei.com/ascend-1980: 8}}]}",
        with_it="scheduler: volcano",
    ),
    "minMember": Case(
        ("null", "1"),
        "  initial: empty\n  horizon: 10m",
        cluster="1x8",
        with_it="scheduler: volcano",
    ),
    "placement": Case(
        ("mostAllocated", "leastAllocated"),
        "  initial: empty",
        {"npus": "4", "decode": "3"},
        stages=", bind: 1s",
    ),
    "schedulingRate": Case(("unlimited", "mindcluster"), "  initial: empty", {"decode": "3"}, cluster="8x8"),
    "preemption": Case(
        ("false", "true"),
        "  priorityClasses: {high: 1000}\n  actions: [{at: 10s, scale: 1}]\n  horizon: 10m",
        {"replicas": "0", "priority": "high"},
        cluster="2x8",
        beside=BATCH,
    ),
    # Reading the weights takes a little longer than the startup probe waits: they are there when the engine is gone.
    "loadsAfterSigterm": Case(
        ("true", "false"),
        "  initial: empty",
        {"probe": "startupProbe: {tcpSocket: {port: 80}, periodSeconds: 10, failureThreshold: 5}"},
        load="1s",
        stages=", weightsShared: 60s",
    ),
    "onStall": Case(("wait", "abort"), UPDATE, {"surge": "1", "unavailable": "0"}, cluster="2x8"),
    "faultScheduling": Case(
        ("external-force", "external-force-pod-failed"),
        "  actions: [{at: 100s, fault: {kind: NpuFault, node: node-0, npu: 1, symptom: none}}]\n  horizon: 1h",
        {"label": "{app: chat, modelarts-infer-npu-reset-enable: 'true'}"},
    ),
    # After the third nothing new comes to the node, and there is no other.
    "silentFaults": Case(
        ("false", "true"),
        "  actions: ["
        + ", ".join(f"{{at: {at}m, crash: {{nodes: [node-0]}}}}" for at in (10, 60, 110, 160))
        + "]\n  horizon: 4h",
        cluster="2x8",
    ),
    "scaleSubresource": Case(
        ("none", "instance"),
        "  podDisruptionBudgets: [{name: b, matchLabels: {app: chat}, maxUnavailable: 1}]\n"
        "  actions: [{at: 10s, drain: node-0}]\n  horizon: 10m",
    ),
}
#: Told in the history alone: tests/controllers/test_edge_cases_of_rollouts.py.
ELSEWHERE = {"progressDeadline"}


def predicted(folder: Path, case: Case, switches: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The JSON result of a run, without what repeats the scenario or counts the work."""
    manifest = Template(MANIFEST).substitute({**VALUES, **case.set, "beside": case.beside})
    (folder / "chat.yaml").write_text(manifest, encoding="utf-8")
    text = FILE.format(case.cluster, case.load, case.stages, switches, case.happens)
    (folder / "switch.yaml").write_text(text, encoding="utf-8")
    code = command_line(["run", str(folder / "switch.yaml"), "--json", "-"])
    told = capsys.readouterr()
    assert code in (0, 1), told.err
    result = json.loads(told.out)
    del result["assumptions"], result["cost"]
    return result


@pytest.mark.parametrize("switch", CASES)
def test_every_switch_changes_what_is_predicted(
    switch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[switch]
    default, other = (
        predicted(tmp_path, case, ", ".join([*filter(None, [case.with_it]), f"{switch}: {value}"]), capsys)
        for value in case.values
    )
    assert default != other
    assert default == predicted(tmp_path, case, case.with_it, capsys), "the first value is the default"


def test_every_switch_has_a_case() -> None:
    assert {*CASES, *ELSEWHERE} == {each.name for each in assumptions(Assumptions())}


def test_compare_shows_how_much_rests_on_a_switch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predicted(tmp_path, CASES["ordinals"], "", capsys)
    code = command_line(["compare", str(tmp_path / "switch.yaml"), "--assume", "ordinals=lowestFree,fixed"])
    told = capsys.readouterr()
    assert code == 0, told.err
    (row,) = [line for line in told.out.splitlines() if line.startswith("last change takes")]
    kept, temporary = row.split()[-2:]
    assert (kept, temporary) == ("2m44s", "4m6s"), "two times 61 s and 21 s to go, or three"
