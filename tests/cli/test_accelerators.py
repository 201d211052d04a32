"""Accelerators beside other extended resources, as a user meets them: for a KubeInfer and for a Deployment."""

from __future__ import annotations

import json
import re
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
        code = run(["run", str(scenario), "--details", "--json", str(result)])
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


# -- other families than Ascend ----------------------------------------------------------------------------

GPUS = {"asked": "nvidia.com/gpu: 8", "offered": "nvidia.com/gpu: 8, rdma/hca: 16"}
#: The pod of node-0 loses its GPU; that of node-2 has to go, and its place with it.
STRUCK = """\
actions:
- {at: 1h, fault: {kind: NpuFault, node: node-0, npu: 3, repair: 1h}}
- {at: 90m, drain: node-2}
horizon: 3h
"""


def npus_in(text: str) -> list[str]:
    """The words of it that call something an NPU."""
    return re.findall(r"\S*\bNPUs?\b\S*", text)


@both
def test_a_report_on_gpus_speaks_of_gpus(play: Play, manifest: str) -> None:
    _, printed, document = play(manifest, STRUCK, **GPUS)
    flat = " ".join(printed.split())
    assert "4 nodes with 32 GPUs" in flat
    assert re.search(r"GPUs peak 32 of 32 in use", flat)
    assert "wait for GPUs" in flat or manifest is DEPLOYMENT
    assert not npus_in(printed)
    assert document["npus"]["total"] == 32, "keys of the result stay"


@both
def test_a_report_on_several_families_speaks_of_accelerators(play: Play, manifest: str) -> None:
    _, printed, _ = play(manifest, asked=ASKED, offered=f"{OFFERED}, nvidia.com/gpu: 2")
    assert "4 nodes with 40 accelerators" in " ".join(printed.split())
    assert "Accelerators  peak 32 of 40 in use" in printed


@both
def test_why_speaks_of_gpus(
    play: Play, tmp_path: Path, capsys: pytest.CaptureFixture[str], manifest: str
) -> None:
    play(manifest, STRUCK, **GPUS)
    scenario, result = str(tmp_path / "scenario.yaml"), tmp_path / "why.json"
    assert run(["why", scenario, "--at", "1h1m", "--json", str(result)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "node-0/npu3: a GPU fails (NpuFault)" in told
    assert not npus_in(told)
    assert "a GPU fails" in result.read_text(encoding="utf-8")


@both
def test_a_broken_gpu_shows_by_its_symptom_alone_and_its_engine_restarts_on_it(
    play: Play, manifest: str
) -> None:
    _, printed, document = play(manifest, STRUCK, **GPUS)
    (fault,) = document["faults"]
    assert (fault["level"], fault["detectedBy"]) == ("", "process exit")
    assert "GPUs out of service" not in printed, "no device plugin takes it out"
    _, printed, document = play(manifest, STRUCK)
    assert document["faults"][0]["level"] == "RestartNPU"
    assert ("NPUs out of service" in printed) is (manifest is KUBEINFER), "the label ties KubeInfers to it"


@both
def test_errors_about_gpus_speak_of_gpus(play: Play, manifest: str) -> None:
    code, printed, _ = play(manifest, STRUCK.replace("npu: 3", "npu: 12"), **GPUS)
    assert code == 2
    assert "there is no GPU 12 on node-0: it has 8, numbered from 0" in " ".join(printed.split())


def test_a_comparison_on_gpus_speaks_of_gpus(
    play: Play, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(KUBEINFER, STRUCK, **GPUS)
    result = tmp_path / "comparison.json"
    varied = ["--vary", "maxUnavailable=1,2", "--json", str(result)]
    assert run(["compare", str(tmp_path / "scenario.yaml"), *varied]) == 0
    printed = capsys.readouterr().out
    assert "GPU-hours lost" in printed
    assert "most GPUs in use" in printed
    assert not npus_in(printed)
    titles = [each["title"] for each in json.loads(result.read_text(encoding="utf-8"))["columns"]]
    assert "GPU-hours lost" in titles


def test_rules_about_ascend_s_device_plugin_leave_gpus_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    unlabelled = KUBEINFER.replace('modelarts-infer-npu-reset-enable: "true"', "app: chat")
    for asked in ("nvidia.com/gpu: 3", "huawei.com/Ascend910: 3"):
        (tmp_path / "chat.yaml").write_text(unlabelled.replace("<asked>", asked), encoding="utf-8")
        run(["validate", str(tmp_path / "chat.yaml"), "--nodes", "8x8"])
        found[asked] = " ".join(capsys.readouterr().out.split())
    gpus, npus = found.values()
    assert "[KI012]" in npus, "there is no label"
    assert "[KI012]" not in gpus
    assert "[KI020]" in npus, "3 of a group of 8 that is reset together"
    assert "[KI020]" not in gpus
    assert "3 of the 8 NPUs of a node" in npus
    assert "3 of the 8 GPUs of a node" in gpus
    assert not npus_in(gpus)
