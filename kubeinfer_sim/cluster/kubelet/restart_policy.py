"""Whether a container that has ended is started again: its own rules, its own policy, its pod's.

pkg/api/v1/pod/util.go (ContainerShouldRestart) and KEP-5307. Containers have a policy and rules of their own from
Kubernetes 1.35 (feature gate ContainerRestartRules); before, API servers drop both.
"""

from __future__ import annotations

from typing import Literal

from kubeinfer_sim.manifest.model import Container, PodTemplate

#: The first 1.x whose containers have a policy of their own, and whose rules may have all containers restarted.
OWN_POLICY_FROM, RESTART_ALL_FROM = 35, 36

#: What the kubelet does about a container that has ended: nothing, start it again, start the whole pod again.
Consequence = Literal["stays", "again", "all"]


def own_policy(container: Container, minor: int) -> str | None:
    """The container's own restart policy, as Kubernetes 1.`minor` knows it."""
    if minor >= OWN_POLICY_FROM:
        return container.restart_policy
    return None


def consequence(
    container: Container, template: PodTemplate, exit_code: int, *, minor: int, sidecar: bool = False
) -> Consequence:
    """What the kubelet does about a container of this pod that has ended with this code.

    Of its rules the first that matches counts, then its own policy, then its pod's. An init container that has ended
    well is done, which is not asked here; a `sidecar` always runs again.
    """
    policy = own_policy(container, minor)
    if policy is not None:
        rule = next((each for each in container.restart_rules if each.matches(exit_code)), None)
        if rule is not None and rule.action == "Restart":
            return "again"
        if rule is not None and minor >= RESTART_ALL_FROM:
            return "all"
    policy = "Always" if sidecar else policy or template.restart_policy
    return "again" if policy == "Always" or (policy == "OnFailure" and exit_code) else "stays"


def killed_and_started_at_once(
    container: Container, template: PodTemplate, *, minor: int, sidecar: bool = False
) -> bool:
    """Whether a container killed by a probe is started again by the sync that has killed it.

    Its rules cannot be asked before it has ended (pkg/kubelet/kuberuntime/kuberuntime_manager.go,
    computePodActions), so with policy Never it is the next sync that finds one that matches.
    """
    return sidecar or (own_policy(container, minor) or template.restart_policy) != "Never"
