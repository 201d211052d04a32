"""Accelerators beside other extended resources, as a user meets them: for a KubeInfer and for a Deployment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubeinfer_sim.cli.main import run

KUBEINFER = """\
apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: chat}
spec:
  replicas: 4
  strategy: {type: InstanceRollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}
  template:
    spec:
      roles:
      - name: serve
        template:
          metadata: {labels: {modelarts-infer-npu-reset-enable: "true"}}
          spec: &pod
            containers:
            - name: gateway
              image: "gateway:1"
              resources: {requests: {rdma/hca: 1}, limits: {rdma/hca: 1}}
            - name: engine
              image: "vllm:1"
              startupProbe: {exec: {command: [check]}, periodSeconds: 10, failureThreshold: 720}
              resources: {requests: &asked {<asked>}, limits: *asked}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec:
  replicas: 4
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec:
      containers:
      - name: gateway
        image: "gateway:1"
        resources: {requests: {rdma/hca: 1}, limits: {rdma/hca: 1}}
      - name: engine
        image: "vllm:1"
        startupProbe: {exec: {command: [check]}, periodSeconds: 10, failureThreshold: 720}
        resources: {requests: &asked {<asked>}, limits: *asked}
"""
SCENARIO = """\
apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: accelerators}
spec:
  manifest: chat.yaml
  cluster:
    pools:
    - {name: node, count: 4, allocatable: {<offered>}}
"""
#: What pods ask for and what each node offers: 8 NPUs, 16 adapters.
ASKED, OFFERED = "huawei.com/ascend-1980: 8, rdma/hca: 1", "huawei.com/ascend-1980: 8, rdma/hca: 16"

Play = Callable[..., tuple[int, str, dict[str, Any]]]
both = pytest.mark.parametrize("manifest", [KUBEINFER, DEPLOYMENT], ids=["KubeInfer", "Deployment"])


@pytest.fixture
def play(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Play:
    """Plays a manifest on four nodes: exit code, what is printed, the result as JSON."""

    def play(
        manifest: str, more: str = "", asked: str = ASKED, offered: str = OFFERED
    ) -> tuple[int, str, dict[str, Any]]:
        (tmp_path / "chat.yaml").write_text(manifest.replace("<asked>", asked), encoding="utf-8")
        scenario, result = tmp_path / "scenario.yaml", tmp_path / "result.json"
        lines = "".join(f"  {line}\n" for line in more.splitlines())
        scenario.write_text(SCENARIO.replace("<offered>", offered) + lines, encoding="utf-8")
        code = run(["run", str(scenario), "--json", str(result)])
        printed = capsys.readouterr()
        document = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
        return code, printed.out + printed.err, document

    return play


@both
def test_adapters_are_no_npus_in_use(play: Play, manifest: str) -> None:
    code, printed, document = play(manifest)
    assert code == 0
    assert "peak 32 of 32 in use" in printed
    assert document["npus"]["peak"] == document["npus"]["total"] == 32
    assert max(number for _, number in document["npus"]["inUse"]) == 32


@both
def test_adapters_are_scheduled_as_any_extended_resource(play: Play, manifest: str) -> None:
    code, printed, _ = play(manifest, offered="huawei.com/ascend-1980: 8, rdma/hca: 1")
    assert code == 1
    assert "Insufficient rdma/hca" in printed


@both
def test_an_adapter_is_no_npu_that_fails(play: Play, manifest: str) -> None:
    struck = "actions:\n- {at: 1h, fault: {kind: NpuFault, node: node-0, npu: <npu>}}\nhorizon: 2h"
    code, printed, _ = play(manifest, struck.replace("<npu>", "12"))
    assert code == 2
    assert "there is no NPU 12 on node-0: it has 8, numbered from 0" in " ".join(printed.split())
    code, _, document = play(manifest, struck.replace("<npu>", "7"))
    assert code != 2
    assert document["faults"][0]["where"] == "node-0/npu7"


@both
def test_the_engine_runs_in_the_container_with_npus_not_in_the_first_with_an_adapter(
    play: Play, tmp_path: Path, manifest: str
) -> None:
    code, printed, _ = play(manifest)
    assert code == 0, printed
    result = tmp_path / "pods.json"
    run(["pods", str(tmp_path / "scenario.yaml"), "--at", "15m", "--json", str(result)])
    pods = json.loads(result.read_text(encoding="utf-8"))["pods"]
    containers = [{each["name"]: each["started"] for each in pod["containers"]} for pod in pods]
    assert containers == [{"gateway": True, "engine": False}] * 4, "the model is still being loaded"


@both
def test_a_node_with_adapters_alone_has_no_npus_to_fail(play: Play, manifest: str) -> None:
    fault = "actions:\n- {at: 1h, fault: {kind: NpuFault, node: node-0, npu: 0}}\nhorizon: 2h"
    code, printed, _ = play(manifest, fault, asked="rdma/hca: 1", offered="rdma/hca: 16")
    assert code == 2
    assert "node node-0 has no NPUs" in printed
