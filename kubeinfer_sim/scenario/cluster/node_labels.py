"""The labels that a kubelet gives its node when it registers it, whoever else labels it.

Source: pkg/kubelet/kubelet_node_status.go, initialNode.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubeinfer_sim.manifest.accelerators import ASCEND, family_of
from kubeinfer_sim.manifest.kubernetes.well_known_labels import ARCHITECTURE, BETA_ALIASES, HOSTNAME, OS
from kubeinfer_sim.manifest.model import KubeInfer, Resources

#: The simulated kubelets run there.
LINUX = "linux"
#: All names of the label that tells a machine's processor.
ARCHITECTURE_LABELS = {ARCHITECTURE, *(old for old, new in BETA_ALIASES.items() if new == ARCHITECTURE)}


def architecture_of(allocatable: Resources) -> str:
    """The processor of a machine that offers this, as Go names it, where nobody says.

    The servers that carry Ascend NPUs (Atlas 800I and 800T A2, Atlas 900 A3) have Kunpeng 920s, which are arm64;
    everything else is taken for amd64.
    """
    ascend = any(family_of(name) is ASCEND for name in allocatable)
    return "arm64" if ascend else "amd64"


def ask_for_architecture(kubeinfers: Iterable[KubeInfer]) -> bool:
    """Whether any pods look at the processor of a node."""
    for role in (role for kubeinfer in kubeinfers for role in kubeinfer.roles):
        terms = role.template.required_node_affinity or ()
        keys = {each.key for term in terms for each in term.match_expressions}
        if not ARCHITECTURE_LABELS.isdisjoint({*role.template.node_selector, *keys}):
            return True
    return False


def with_kubelet_labels(name: str, written: Mapping[str, str], allocatable: Resources) -> dict[str, str]:
    """All labels of a node; what is written wins, and the older names of a label follow the newer one."""
    labels = {HOSTNAME: name, OS: LINUX, ARCHITECTURE: architecture_of(allocatable)}
    labels |= {BETA_ALIASES[key]: value for key, value in written.items() if key in BETA_ALIASES}
    labels |= written
    return {**{old: labels[new] for old, new in BETA_ALIASES.items()}, **labels}
