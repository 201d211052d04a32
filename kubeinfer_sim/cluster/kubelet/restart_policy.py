"""Whether a container that has ended is started again: its own rules, its own policy, its pod's.

pkg/api/v1/pod/util.go (ContainerShouldRestart) and KEP-5307. Containers have a policy and rules of their own where
feature gate ContainerRestartRules is on; API servers of older releases drop both.
"""

from __future__ import annotations

from typing import Literal

from kubeinfer_sim.manifest.model import Container, PodTemplate
from kubeinfer_sim.manifest.releases import Release

#: What the kubelet does about a container that has ended: nothing, start it again, start the whole pod again.
Consequence = Literal["stays", "again", "all"]


def own_policy(container: Container, kubernetes: Release) -> str | None:
    """The container's own restart policy, where the release has one."""
    return container.restart_policy if kubernetes.container_restart_policy else None


def consequence(
    container: Container, template: PodTemplate, exit_code: int, *, kubernetes: Release, sidecar: bool = False
) -> Consequence:
    """What the kubelet does about a container of this pod that has ended with this code.

    Of its rules the first that matches counts, then its own policy, then its pod's. An init container that has ended
    well is done, which is not asked here; a `sidecar` always runs again.
    """
    policy = own_policy(container, kubernetes)
    if policy is not None:
        rule = next((each for each in container.restart_rules if each.matches(exit_code)), None)
        if rule is not None and rule.action == "Restart":
            return "again"
        if rule is not None and kubernetes.restart_all_containers:
            return "all"
    policy = "Always" if sidecar else policy or template.restart_policy
    return "again" if policy == "Always" or (policy == "OnFailure" and exit_code) else "stays"


def killed_and_started_at_once(
    container: Container, template: PodTemplate, *, kubernetes: Release, sidecar: bool = False
) -> bool:
    """Whether a container killed by a probe is started again by the sync that has killed it.

    Its rules cannot be asked before it has ended (pkg/kubelet/kuberuntime/kuberuntime_manager.go,
    computePodActions), so with policy Never it is the next sync that finds one that matches.
    """
    return sidecar or (own_policy(container, kubernetes) or template.restart_policy) != "Never"
