"""Named fault profiles: published rates, and the mix of causes of Llama 3's training, mapped to kinds and levels.

Rates are failures per 1000 node-days of 8 accelerators: Meta's RSC-1 6.50 and RSC-2 2.34 (arXiv 2410.21680), Llama 3
3.79 (419 unplanned interruptions in 54 days on 16,384 GPUs, arXiv 2407.21783). The mix is Llama 3's table 5. No MTBF
of NPUs is published: all three are of GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from kubeinfer_sim.scenario.faults.model import MixPart


class FaultProfile(Struct, frozen=True):
    """Faults per node; `per_1000_node_days` of nodes with 8 accelerators."""

    per_1000_node_days: float
    source: str

    @property
    def mean(self) -> int:
        """Mean time between faults of one node, in ms."""
        return round(86_400_000 * 1000 / self.per_1000_node_days)


#: Counts of 419. Host maintenance was unscheduled there, so it is no drain: the node is gone for a while.
LLAMA3_MIX: tuple[MixPart, ...] = (
    MixPart(148, "NpuFault"),  # faulty GPU
    MixPart(72, "HbmFault"),
    MixPart(54, "ProcessCrash"),  # software
    MixPart(35, "LinkDown", "RestartBusiness", "crash"),  # network switch or cable
    MixPart(32, "NodeReboot"),  # host maintenance, unplanned
    MixPart(19, "SramFault"),
    MixPart(17, "SystemProcessorFault"),
    MixPart(7, "LinkDown", "RestartBusiness", "crash"),  # NIC
    MixPart(7, "WatchdogFault"),
    MixPart(6, "SilentCorruption"),
    MixPart(6, "OverTemperature"),
    MixPart(16, "ProcessCrash"),  # other
)

PROFILES: Mapping[str, FaultProfile] = {
    "meta-rsc1": FaultProfile(6.50, "arXiv 2410.21680; mix: arXiv 2407.21783"),
    "meta-rsc2": FaultProfile(2.34, "arXiv 2410.21680; mix: arXiv 2407.21783"),
    "llama3": FaultProfile(3.79, "arXiv 2407.21783"),
}
