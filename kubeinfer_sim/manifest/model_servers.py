"""Model servers that ask for no accelerator: valid, placed anywhere, and of no use there."""

from __future__ import annotations

import re

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.model import BarePod, KubeInfer, WorkloadSpec

#: Images that serve models on accelerators, by the last part of their name.
_SERVERS = (
    r"(.*/)?(vllm(-openai|-ascend)?|mindie|sglang|lmdeploy|tritonserver|text-generation-inference)([:@].*)?"
)


def warn_of_no_accelerators(checker: Checker, workload: WorkloadSpec) -> None:
    """Report a KubeInfer of which no role, or another owner of a model server that asks for no accelerator."""
    templates = workload.pod_templates
    if not templates or any(each.accelerators for each in templates):
        return
    path: Path = ("spec", "template", "spec", "roles")
    if not isinstance(workload, KubeInfer):
        if not any(re.fullmatch(_SERVERS, each.image) for each in workload.template.containers):
            return
        path = ("spec", "containers")
        if not isinstance(workload, BarePod):
            path = ("spec", "template", *path)
    checker.report(
        path,
        f"{workload.kind} {workload.name} asks for no NPU or other accelerator: its pods would be placed on any node, "
        "and their engines load no model",
        code="no-accelerator",
        severity=Severity.WARNING,
        hint="name the device in resources of the container that runs the engine",
        key=True,
    )
