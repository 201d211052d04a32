"""A fault of one NPU, and who looks after it."""

from __future__ import annotations

from kubeinfer_sim.cluster.ailments import ALL_PROBES, Ailment
from kubeinfer_sim.cluster.devices.manager import Npu
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.prober import Outcome, Segment
from kubeinfer_sim.manifest.model import RESET_LABEL
from kubeinfer_sim.scenario.faults.kinds import Symptom
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS
from kubeinfer_sim.scenario.model import Distribution
from kubeinfer_sim.scenario.units import Millis


def is_watched(pod: Pod) -> bool:
    """Whether the device plugin acts for the pod: the label ties KubeInfers to it, not Deployments."""
    return pod.ref.instance.kind == "KubeInfer" and pod.template.labels.get(RESET_LABEL) == "true"


class NpuFault:
    """A fault of one NPU, from its beginning to its end.

    Attributes:
        kind, level, symptom: see `scenario/faults/kinds.py`.
        npu: the one it is in.
        since: when it began, in ms.
        cause: id of the newest record about it.
        ailment: what the pod that holds the NPU suffers from.
        cleared: it is over.
        handled: the platform knows of it.
        failed_resets: how many attempts to reset the NPU fail before one succeeds.
        repair: how long its repair takes.
        slows: the pod that holds the NPU works at this part of its speed.
    """

    __slots__ = (
        "ailment",
        "cause",
        "cleared",
        "failed_resets",
        "handled",
        "kind",
        "level",
        "npu",
        "repair",
        "since",
        "slows",
        "symptom",
        "told",
    )

    def __init__(
        self,
        kind: str,
        level: str,
        symptom: Symptom,
        npu: Npu,
        since: Millis,
        cause: int,
        *,
        failed_resets: int = 0,
        repair: Distribution | None = None,
        slows: float = 1.0,
    ) -> None:
        self.slows = slows
        self.kind = kind
        self.level = level
        self.symptom: Symptom = symptom
        self.ailment = Ailment(Segment(0, Outcome.HANG if symptom == "hang" else Outcome.FAIL), ALL_PROBES)
        self.npu = npu
        self.since = since
        self.cause = cause
        self.failed_resets = failed_resets
        self.repair = repair
        self.cleared = False
        self.handled = False
        self.told = False

    @property
    def beyond_reset(self) -> bool:
        """Whether no reset heals it."""
        return ASCEND_LEVELS[self.level].npu == "separate"
