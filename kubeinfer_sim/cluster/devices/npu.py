"""One NPU of a machine, and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.faults.kinds import KINDS, Symptom
from kubeinfer_sim.scenario.faults.levels import Handling, Level, makes_unhealthy
from kubeinfer_sim.scenario.units import Millis

State = Literal["inService", "isolated", "resetting", "out"]


class Npu:
    """One NPU: who holds it, what is wrong with it, whether it is offered.

    Attributes:
        levels: at which its family's device plugin reports faults; empty: nobody does.
        group: those that are reset together with it, itself included.
        holder: the pod; None when none that is played holds it.
        occupied: a pod from before the simulation that is not played holds it.
        faults: those that last, in the order in which they began.
        kept_out_for: those of them for which the platform does not offer it.
        unhealthy_for: those for which its device plugin calls it unhealthy, and which the platform has not taken up.
        posted_unhealthy: the status of its node says so, too.
    """

    __slots__ = (
        "faults",
        "group",
        "holder",
        "kept_out_for",
        "levels",
        "node",
        "number",
        "occupied",
        "posted_unhealthy",
        "state",
        "unhealthy_for",
    )

    def __init__(self, node: str, number: int, levels: Mapping[str, Level]) -> None:
        self.node = node
        self.number = number
        self.levels = levels
        self.group: Sequence[Npu] = ()
        self.holder: Pod | None = None
        self.occupied = False
        self.faults: dict[NpuFault, None] = {}
        self.kept_out_for: dict[NpuFault, None] = {}
        self.unhealthy_for: dict[NpuFault, None] = {}
        self.posted_unhealthy = False
        self.state: State = "inService"

    @property
    def name(self) -> str:
        """`node-0/npu3`."""
        return f"{self.node}/npu{self.number}"

    @property
    def idle(self) -> bool:
        """Nobody holds it."""
        return self.holder is None and not self.occupied

    @property
    def healthy(self) -> bool:
        """What its device plugin has told the kubelet."""
        return self.state == "inService" and not self.unhealthy_for


class NpuFault:
    """A fault of one NPU, from its beginning to its end.

    Attributes:
        spec: the fault as the scenario has it.
        kind: its name in the table of fault kinds.
        level: at which it is reported; "" where nobody reports it.
        symptom: how it shows in the process that uses the NPU.
        speed: what it leaves of that process's speed.
        since: when it began, in ms.
        struck: the pod that held the NPU then, if any did.
        cause: id of the newest record about it.
        reported: it is in a report of the device plugin, or will be in the next.
        handled: the platform knows of it, and what its level calls for has begun.
        cleared: it is over.
    """

    __slots__ = (
        "cause",
        "cleared",
        "handled",
        "kind",
        "level",
        "npu",
        "reported",
        "since",
        "spec",
        "speed",
        "struck",
        "symptom",
    )

    def __init__(self, npu: Npu, spec: Fault, since: Millis, *, slow_factor: float) -> None:
        kind = KINDS[spec.kind]
        self.npu = npu
        self.spec = spec
        self.kind = spec.kind
        self.level = (spec.level or kind.level) if npu.levels else ""
        self.symptom: Symptom = spec.symptom or kind.symptom
        left = slow_factor if spec.factor is None else spec.factor
        self.speed = left if self.symptom == "slow" else 1.0
        self.since = since
        self.struck = () if npu.holder is None else (npu.holder.ref,)
        self.cause = NO_CAUSE
        self.reported = self.handled = self.cleared = False

    def __str__(self) -> str:
        return f"{self.kind} of {self.npu.name}"

    @property
    def lasts(self) -> Millis | None:
        """How long until it ends by itself; None: it does not."""
        return KINDS[self.kind].lasts if self.spec.clears_after is None else self.spec.clears_after

    @property
    def handling(self) -> Handling:
        """What its level has the device plugin do with the NPU."""
        return self.npu.levels[self.level].npu if self.level else "none"

    @property
    def unhealthy(self) -> bool:
        """Whether a device plugin calls the device unhealthy for it, whatever family it is of."""
        return makes_unhealthy(self.level or KINDS[self.kind].level)

    @property
    def beyond_reset(self) -> bool:
        """Whether no reset mends it."""
        return self.handling == "separate"
