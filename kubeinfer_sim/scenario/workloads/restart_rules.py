"""Restart policies of single containers: what the API servers of the scenario's Kubernetes make of them.

KEP-5307, feature gate ContainerRestartRules: up to 1.33 the API server knows only `Always` of an init container and
refuses any other; 1.34 has the gate, off, and drops what is written (pkg/api/pod/util.go, dropContainerRestartRules);
from 1.35 it is on. The action RestartAllContainers (KEP-5532) is on from 1.36, and refused before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.manifest.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.model import Container, KubeInfer
from kubeinfer_sim.scenario.context import Context


def check_restart_rules(
    versions: Sequence[KubeInfer], version: str, context: Context
) -> Iterator[Diagnostic]:
    """Warnings of what is dropped; what would be refused is an error, which is noted."""
    minor = int(version.split(".")[1])
    if minor >= 36:
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
                if minor < 34 and written == "restartPolicy":
                    context.error(
                        ("spec", "kubernetesVersion"),
                        f"{who} has a restartPolicy of its own, which API servers of {version} refuse",
                        hint="containers have their own from 1.35 on",
                    )
                elif minor < 35:
                    message = f"{who} has a {written} of its own, which Kubernetes {version} drops: the pod's counts"
                    yield Diagnostic(each.source or each.name, 0, 0, message, severity=Severity.WARNING)
                elif any(rule.action == "RestartAllContainers" for rule in container.restart_rules):
                    context.error(
                        ("spec", "kubernetesVersion"),
                        f"{who} has a rule RestartAllContainers, which API servers of {version} refuse",
                        hint="they have it from 1.36 on",
                    )


def _written(container: Container, *, init: bool) -> str:
    """What of its own it has that not every version knows."""
    if container.restart_policy is not None and not (init and container.restart_policy == "Always"):
        return "restartPolicy"
    return "restartPolicyRules" if container.restart_rules else ""
