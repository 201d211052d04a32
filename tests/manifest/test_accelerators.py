"""Which resources are accelerators."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubeinfer_sim.manifest.accelerators import (
    ASCEND,
    FAMILIES,
    SEVERAL,
    accelerator_count,
    accelerators_of,
    common_family,
    family_of,
    main_accelerator,
)
from kubeinfer_sim.manifest.model import Container, PodTemplate

NPU = "huawei.com/ascend-1980"


@pytest.mark.parametrize(
    ("resource", "family", "noun"),
    [
        (NPU, "Ascend", "NPU"),
        ("huawei.com/Ascend910", "Ascend", "NPU"),
        ("huawei.com/Ascend310P", "Ascend", "NPU"),
        ("huawei.com/Ascend910B4-1", "Ascend", "NPU"),
        ("huawei.com/npu", "Ascend", "NPU"),
        ("huawei.com/Ascend910-2c", "Ascend", "NPU"),
        ("huawei.com/Ascend310P-4c.3cpu.ndvpp", "Ascend", "NPU"),
        ("nvidia.com/gpu", "NVIDIA", "GPU"),
        ("nvidia.com/gpu.shared", "NVIDIA", "GPU"),
        ("nvidia.com/mig-1g.10gb", "NVIDIA", "GPU"),
        ("amd.com/gpu", "AMD", "GPU"),
        ("gpu.intel.com/i915", "Intel", "GPU"),
        ("gpu.intel.com/xe", "Intel", "GPU"),
        ("habana.ai/gaudi", "Gaudi", "HPU"),
        ("aws.amazon.com/neuron", "Neuron", "Neuron device"),
        ("google.com/tpu", "Google", "TPU"),
        ("cambricon.com/mlu", "Cambricon", "MLU"),
        ("hygon.com/dcunum", "Hygon", "DCU"),
        ("iluvatar.ai/BI-V150-vgpu", "Iluvatar", "GPU"),
        ("metax-tech.com/gpu", "MetaX", "GPU"),
        ("mthreads.com/vgpu", "Moore Threads", "GPU"),
        ("enflame.com/gcu", "Enflame", "GCU"),
        ("kunlunxin.com/xpu", "Kunlunxin", "XPU"),
        ("example.com/gpu", "", "GPU"),
        ("example.com/npu", "", "NPU"),
    ],
)
def test_devices_of_known_plugins_are_accelerators_of_a_family(resource: str, family: str, noun: str) -> None:
    found = family_of(resource)
    assert found is not None
    assert (found.name, found.noun) == (family, noun)


@pytest.mark.parametrize(
    "resource",
    [
        "cpu",
        "memory",
        "pods",
        "ephemeral-storage",
        "hugepages-2Mi",
        "rdma/hca",
        "vpc.amazonaws.com/pod-eni",
        "devices.kubevirt.io/kvm",
        "smarter-devices/fuse",
        "example.com/foo",
        "huawei.com/x",
        # Shares of a device that the pod asks for beside it.
        "huawei.com/Ascend910B2-memory",
        "huawei.com/Ascend910B2-core",
        "huawei.com/npu-core",
        "nvidia.com/gpumem",
        "nvidia.com/gpucores",
        "gpu.intel.com/i915_monitoring",
        "gpu.intel.com/memory.max",
        "aws.amazon.com/neuroncore",
        "hygon.com/dcumem",
        # Network cards that NVIDIA's network operator registers.
        "nvidia.com/hostdev",
        "nvidia.com/mlnxnics",
    ],
)
def test_adapters_shares_and_unknown_resources_are_none(resource: str) -> None:
    assert family_of(resource) is None


def test_accelerators_are_counted_without_what_else_a_pod_asks_for() -> None:
    requests = {"cpu": 4000, NPU: 8, "rdma/hca": 16, "hugepages-2Mi": 3, "huawei.com/Ascend310P": 0}
    assert accelerators_of(requests) == {NPU: 8}
    assert accelerator_count(requests) == 8
    assert accelerator_count({"nvidia.com/gpu": 2, "nvidia.com/mig-1g.5gb": 3}) == 5
    assert accelerator_count({"rdma/hca": 1}) == 0


def test_the_main_accelerator_of_a_node_is_the_one_it_has_most_of() -> None:
    assert main_accelerator({"rdma/hca": 16, NPU: 8, "huawei.com/Ascend310P": 2}) == (NPU, 8)
    assert main_accelerator({"b.example/gpu": 2, "a.example/gpu": 2}) == ("b.example/gpu", 2)
    assert main_accelerator({"cpu": 8, "rdma/hca": 16}) == ("", 0)


def test_the_engine_runs_in_the_first_container_with_accelerators_whatever_adapters_others_have() -> None:
    plain = Container("plain", "x")
    adapter = Container("adapter", "x", requests={"rdma/hca": 1}, limits={"rdma/hca": 1})
    engine = Container("engine", "x", limits={NPU: 1})
    assert PodTemplate((plain, adapter, engine)).engine is engine
    assert PodTemplate((plain, adapter)).engine is plain


@pytest.mark.parametrize(
    ("noun", "said"),
    [
        ("NPU", "an NPU fails; 8 NPUs, NPU-hours lost"),
        ("GPU", "a GPU fails; 8 GPUs, GPU-hours lost"),
        ("HPU", "an HPU fails; 8 HPUs, HPU-hours lost"),
        ("MLU", "an MLU fails; 8 MLUs, MLU-hours lost"),
        ("DCU", "a DCU fails; 8 DCUs, DCU-hours lost"),
        ("Neuron device", "a Neuron device fails; 8 Neuron devices, Neuron device-hours lost"),
        ("accelerator", "an accelerator fails; 8 accelerators, accelerator-hours lost"),
    ],
)
def test_texts_are_said_in_the_words_of_a_family(noun: str, said: str) -> None:
    family = next(each for each in (*FAMILIES, SEVERAL) if each.noun == noun)
    assert family.say("an NPU fails; 8 NPUs, NPU-hours lost") == said


def test_names_are_left_alone() -> None:
    text = "NpuFault of node-0/npu3, huawei.com/npu, npuTopology, MY_NPU"
    assert SEVERAL.say(text) == text


def test_a_title_begins_with_a_capital() -> None:
    assert SEVERAL.title("NPUs out of service") == "Accelerators out of service"
    assert ASCEND.title("NPUs out of service") == "NPUs out of service"


def test_several_families_have_a_word_together() -> None:
    gpu, npu = {"nvidia.com/gpu": 8}, {NPU: 8}
    assert common_family([gpu, {"rdma/hca": 1}]).name == "NVIDIA"
    assert common_family([gpu, {"amd.com/gpu": 1}]).noun == "GPU", "one word for both"
    assert common_family([gpu, npu]) is SEVERAL
    assert common_family([{"cpu": 1}, {}]) is ASCEND


def test_the_page_tells_what_the_code_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "accelerators.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| (.*`.*) \|$", page, re.M)
    assert [name for name, _, _ in rows] == [each.name for each in FAMILIES if each.name] + ["any other"]
    for name, nouns, resources in rows:
        for resource in re.findall(r"`([^`]+)`", resources):
            family = family_of(resource)
            assert family is not None, resource
            assert family.name == ("" if name == "any other" else name)
            assert family.noun in nouns.split(", ")
    _, _, others = page.partition("Everything else is none")
    named = [each for each in re.findall(r"`([\w.-]+/[\w.-]+)`", others) if not each.startswith("node-0")]
    assert [each for each in named if family_of(each)] == ["example.com/npu"], "the name that says what it is"
    assert len(named) > 10
