"""Faults as users write them: what can strike nothing, or makes no sense, is an error with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scenario_files import Load

from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.faults.model import NpuHandling

Findings = Callable[..., list[str]]


def test_a_fault_has_its_target_and_the_values_given(load: Load) -> None:
    text = "actions:\n- {at: 5m, fault: {kind: HbmFault, node: node-1, npu: 7, level: SeparateNPU, clearsAfter: 2m}}"
    (fault,) = load(text).actions
    expected = Fault(300_000, "HbmFault", Target(nodes=("node-1",)), (7,), "SeparateNPU", None, 120_000)
    assert fault == expected


def test_a_profile_alone_is_a_process_at_its_published_rate(load: Load) -> None:
    faults = load("faults: meta-rsc1\nhorizon: 30d").faults
    assert faults is not None
    (process,) = faults.processes
    assert (process.name, process.per) == ("meta-rsc1", "node")
    assert faults.npus == NpuHandling()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("{kind: NpuFalt, node: node-0}", "there is no fault 'NpuFalt'; did you mean \"NpuFault\""),
        ("{kind: NpuFault, node: node-0, npu: 8}", "there is no NPU 8 on node-0: it has 8, numbered from 0"),
        ("{kind: NpuFault, node: node-16}", "there is no node 'node-16'"),
        ("{kind: NpuFault, node: node-0, level: RestartNpu}", 'did you mean "RestartNPU"'),
        ("{kind: NodeDeath, nodeSelector: {rack: r9}}", "no node has the labels rack=r9"),
        ("{kind: ProcessHang, roles: [nobody]}", "no role is called 'nobody'"),
        ("{kind: ProcessHang, level: RestartNPU}", "level is for faults of NPUs"),
        ("{kind: NpuFault}", "say which npu"),
        ("{kind: NodeDeath, random: busyNpu}", "NodeDeath can strike node, not busyNpu"),
        ("{kind: NpuFault, instances: [0], npu: 9}", "these pods hold no NPU 9"),
        (
            "{kind: NodeDeath, node: node-0, factor: 0.5}",
            "factor is for StorageSlow and for NPUs that are slow",
        ),
        ("{kind: SubHealth, node: node-0, factor: 1}", "less than 1"),
        ("{kind: SubHealth, node: node-0, clearsAfter: 5}", "5 has no unit"),
        ("{kind: CardDrop, node: node-0, repair: -1d}", "a duration cannot be negative"),
        ("{kind: ProcessCrash, instances: [99]}", "there is never an instance 99"),
        ("StorageSlow", "StorageSlow strikes nothing: no storage is shared"),
    ],
)
def test_a_fault_that_strikes_nothing_is_an_error(findings: Findings, fault: str, message: str) -> None:
    (found,) = findings(f"actions:\n- {{at: 5m, fault: {fault}}}")
    assert message in found
    assert found.startswith("8: spec.actions[0].fault")


@pytest.mark.parametrize(
    ("process", "message"),
    [
        ("{kind: NpuFault, rate: 5}", "5 has no unit: write 5 per 1000d"),
        ("{kind: NpuFault, rate: -5 per 1d}", "a rate cannot be negative"),
        ("{kind: NpuFault, rate: 1 per 3}", "'3' has no unit"),
        ("{kind: NpuFault, rate: 0 per 1d}", "must be more than 0"),
        ("{kind: NpuFault}", "expected exactly one of rate, every"),
        ("{profile: meta-rsc3}", "there is no fault profile 'meta-rsc3'; did you mean"),
        ("{kind: NodeDeath, per: npu, rate: 1 per 1d}", "does not fit NodeDeath"),
        ("{kind: NodeDeath, per: domain, domain: rack, rate: 1 per 1d}", "no node has a label 'rack'"),
        ("{mix: [NpuFault, NodeDeath], rate: 1 per 1d}", "say per what"),
    ],
)
def test_a_process_that_makes_no_sense_is_an_error(findings: Findings, process: str, message: str) -> None:
    found = findings(f"horizon: 30d\nfaults:\n  processes:\n  - {process}")
    assert message in found[0]
    assert found[0].startswith("10: spec.faults.processes[0]")


def test_faults_without_end_need_a_horizon(findings: Findings) -> None:
    assert "say when to stop" in findings("faults: meta-rsc1")[0]


def test_factors_of_a_mix_and_of_a_process_are_those_of_its_faults(load: Load) -> None:
    text = """
faults:
  processes:
  - {kind: SubHealth, every: 10d, factor: 0.7}
  - {name: two, per: node, every: 10d, mix: [{kind: OverTemperature, factor: 0.9}, NpuFault]}
horizon: 30d
"""
    plan = load(text).faults
    assert plan is not None
    assert [[part.factor for part in process.mix] for process in plan.processes] == [[0.7], [0.9, None]]


@pytest.mark.parametrize(
    ("process", "message"),
    [
        ("{kind: NpuFault, every: 10d, factor: 0.7}", "NpuFault has none"),
        ("{every: 10d, per: node, mix: [{kind: NodeDeath, factor: 0.7}]}", "NodeDeath has none"),
        ("{profile: llama3, factor: 0.7}", "factor belongs to a kind"),
        ("{kind: NpuFault, every: 0s}", "comes to about 330,000,000,000 faults by the horizon (128 NPUs)"),
        (
            "{kind: ImagePullFailure, every: {exponential: 1s}}",
            "comes to about 2,600,000 faults by the horizon, more",
        ),
    ],
)
def test_a_process_that_makes_no_sense_or_never_ends_is_an_error(
    findings: Findings, process: str, message: str
) -> None:
    (found,) = findings(f"faults: {{processes: [{process}]}}\nhorizon: 30d")
    assert message in found
    assert found.startswith("7: spec.faults.processes[0]")


def test_what_is_assumed_of_faults_is_told_where_the_scenario_does_not_say_it(load: Load) -> None:
    slow = "actions: [{at: 1h, fault: {kind: SubHealth, node: node-0}}]\n"
    assert "faults.npus.slowFactor: 0.5 (assumed)" in load(slow).defaults
    said = load(slow + "faults: {npus: {slowFactor: 0.5, repair: 1d}}").defaults
    assert not [line for line in said if line.startswith("faults")]
    own = "actions: [{at: 1h, fault: {kind: SubHealth, node: node-0, factor: 0.5, repair: 1d}}]\n"
    assert not [line for line in load(own).defaults if line.startswith("faults")]


GPUS = """\
apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: test}
spec:
  manifest: {path: gpus.yaml, set: {replicas: 4, image: "vllm:1"}}
  cluster: {pools: [{name: node, count: 16, labels: {pool: infer}, allocatable: {nvidia.com/gpu: 8}}]}
"""


@pytest.fixture
def gpus(folder: Path) -> None:
    """The same manifest, with GPUs instead of NPUs."""
    text = (folder / "chat.yaml").read_text(encoding="utf-8")
    (folder / "gpus.yaml").write_text(
        text.replace("huawei.com/ascend-1980", "nvidia.com/gpu"), encoding="utf-8"
    )


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("line", "place"),
    [
        (
            "actions: [{at: 1h, fault: {kind: NpuFault, node: node-0, level: SeparateNPU}}]",
            "actions[0].fault.level",
        ),
        (
            "faults: {processes: [{per: node, every: 10d, mix: [{kind: NpuFault, level: SeparateNPU}]}]}\n  horizon: 30d",
            "faults.processes[0].mix[0].level",
        ),
    ],
)
def test_levels_are_of_ascend_npus(findings: Findings, line: str, place: str) -> None:
    (found,) = findings(text=GPUS + f"  {line}\n")
    expected = "SeparateNPU is a level of Ascend's device plugin; node-0 has GPUs (NVIDIA), whose faults show by their"
    assert f"7: spec.{place}: {expected}" in found


@pytest.mark.usefixtures("gpus")
def test_that_nobody_looks_at_gpus_is_a_warning_that_does_not_ask_for_a_label(load: Load) -> None:
    made = load(text=GPUS + "  actions: [{at: 1h, fault: {kind: NpuFault, node: node-0}}]\n")
    (warning,) = made.warnings
    assert warning.message.startswith(
        "no device plugin but Ascend's acts upon faults, so nobody looks at the GPUs: their faults show only"
    )
    (warning,) = load("actions: [{at: 1h, fault: {kind: NpuFault, node: node-0}}]").warnings
    assert warning.message.startswith(
        'no template has the label modelarts-infer-npu-reset-enable: "true", so nobody'
    )


@pytest.mark.usefixtures("gpus")
def test_no_rule_of_recovery_is_ever_asked_about_a_fault_of_a_gpu(findings: Findings, folder: Path) -> None:
    text = (folder / "gpus.yaml").read_text(encoding="utf-8")
    text = text.replace("replicas: 2\n", "replicas: 2\n        recoveryPolicy: {restart: Custom}\n", 1)
    labelled = '          metadata: {labels: {modelarts-infer-npu-reset-enable: "true"}}\n          spec:\n            nodeSel'
    text = text.replace("          spec:\n            nodeSel", labelled, 1)
    (folder / "gpus.yaml").write_text(text, encoding="utf-8")
    rule = "  recovery: {rules: [{faults: [NpuFault], action: RecreatePod}]}\n"
    (found,) = findings(text=GPUS + rule)
    assert "7: spec.recovery.rules[0]" in found
