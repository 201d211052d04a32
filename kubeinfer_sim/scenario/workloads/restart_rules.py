"""Restart policies of single containers: what the API servers of the scenario's Kubernetes make of them.

KEP-5307, feature gate ContainerRestartRules: before there was a gate, the API server knew only `Always` of an init
container and refused any other; while it was off, the API server dropped what is written (pkg/api/pod/util.go,
dropContainerRestartRules). The action RestartAllContainers (KEP-5532) is younger still, and refused before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.model import Container, KubeInfer
from kubeinfer_sim.manifest.releases import release_of, since
from kubeinfer_sim.scenario.context import Context


def check_restart_rules(
    versions: Sequence[KubeInfer], version: str, context: Context
) -> Iterator[Diagnostic]:
    """Warnings of what is dropped; what would be refused is an error, which is noted."""
    kubernetes = release_of(version)
    if kubernetes.restart_all_containers:
        return
    told: set[tuple[str, str]] = set()
    for each in versions:
        for role in each.roles:
            for container, init in (
                *((container, True) for container in role.template.init_containers),
                *((container, False) for container in role.template.containers),
            ):
                written = _written(container, init=init)
                if not written or (role.name, container.name) in told:
                    continue
                told.add((role.name, container.name))
                who = f"container {container.name} of role {role.name}"
                if not kubernetes.takes_container_restart_policy and written == "restartPolicy":
                    context.error(
                        ("spec", "kubernetesVersion"),
                        f"{who} has a restartPolicy of its own, which API servers of {version} refuse",
                        hint=f"containers have their own from {since('container_restart_policy')} on",
                    )
                elif not kubernetes.container_restart_policy:
                    message = f"{who} has a {written} of its own, which Kubernetes {version} drops: the pod's counts"
                    yield Diagnostic(each.source or each.name, 0, 0, message, severity=Severity.WARNING)
                elif any(rule.action == "RestartAllContainers" for rule in container.restart_rules):
                    context.error(
                        ("spec", "kubernetesVersion"),
                        f"{who} has a rule RestartAllContainers, which API servers of {version} refuse",
                        hint=f"they have it from {since('restart_all_containers')} on",
                    )


def _written(container: Container, *, init: bool) -> str:
    """What of its own it has that not every version knows."""
    if container.restart_policy is not None and not (init and container.restart_policy == "Always"):
        return "restartPolicy"
    return "restartPolicyRules" if container.restart_rules else ""
