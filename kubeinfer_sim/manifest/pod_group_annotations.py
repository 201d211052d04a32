"""The annotations by which pods come to a PodGroup of Volcano's: what they say, and where they say nothing.

Source: Volcano v1.15.1, pkg/controllers/podgroup/pg_controller_handler.go (getMinMemberFromUpperRes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.checker import MAX_INT32, Checker, shown
from kubeinfer_sim.manifest.model import VOLCANO, BarePod, KubeInfer, WorkloadSpec

#: Names the PodGroup of a pod; of its queue, where Volcano makes the PodGroup; of the owner: how many pods it takes.
GROUP_NAME = "scheduling.k8s.io/group-name"
QUEUE_NAME = "scheduling.volcano.sh/queue-name"
MIN_MEMBER = "scheduling.volcano.sh/group-min-member"


def min_member(annotations: Mapping[str, str]) -> int | None:
    """How many pods an owner says are placed together; None where it says nothing that Volcano can read."""
    text = annotations.get(MIN_MEMBER, "")
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", text):
        return None
    number = int(text)
    return number if 0 <= number <= MAX_INT32 else None


def warn_of_pod_groups(checker: Checker, workload: WorkloadSpec) -> None:
    """Report annotations about PodGroups that nobody reads, or not as they are meant."""
    if MIN_MEMBER in workload.annotations and not isinstance(workload, BarePod):
        message = _of_min_member(workload)
        if message:
            _warn(checker, ("metadata", "annotations", MIN_MEMBER), message)
    if isinstance(workload, KubeInfer):
        return  # a scenario may say that Volcano places its pods, whatever they name
    template = workload.template
    path: Path = ("metadata",) if isinstance(workload, BarePod) else ("spec", "template", "metadata")
    for key in (GROUP_NAME, QUEUE_NAME):
        if key in template.annotations and template.scheduler_name != VOLCANO:
            message = f"has no effect: it is Volcano's, and these pods are {template.scheduler_name}'s"
            _warn(checker, (*path, "annotations", key), message)


def _of_min_member(workload: WorkloadSpec) -> str:
    written = workload.annotations[MIN_MEMBER]
    names = {each.scheduler_name for each in workload.pod_templates}
    if isinstance(workload, KubeInfer):
        return (
            "has no effect: each instance has a PodGroup of its own, of all its pods (a scenario's "
            "assumptions.minMember says otherwise)"
        )
    if VOLCANO not in names:
        return f"has no effect: it is Volcano's, and these pods are {', '.join(sorted(names))}'s"
    number = min_member(workload.annotations)
    if number is None:
        return (
            f"{shown(written)} is no whole number of 0 or more: Volcano takes 1, and each pod is placed alone"
        )
    return "0 is as 1: each pod is placed alone" if number == 0 else ""


def _warn(checker: Checker, path: Path, message: str) -> None:
    checker.report(path, message, code="no-effect", severity=Severity.WARNING, key=True)
