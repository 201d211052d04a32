"""What breaks, how it is noticed and what becomes of the NPU, as the history tells it."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.scenario.actions.model import Action


class FaultInjected(Record):
    """Something breaks: the first cause of all that follows.

    `kind` is a name of `scenario/faults/kinds.py`; `level`, of Ascend NPUs alone, one of `levels.py`; `where` is
    `node/npu3`, a node, a pod or `cluster`; `pod` holds the NPU then, `process` is the fault process it comes from.
    """

    kind: str
    level: str
    where: str
    pod: PodRef | None = None
    process: str = ""


class StruckNothing(Record):
    """An action, or a fault of the time line, found nothing of what it was aimed at; `there`: what there was.

    Told at once, or in the end of what was to strike containers as they start. `wholly`: it struck nothing else.
    """

    action: Action
    there: str
    wholly: bool = True


class ChangedNothing(Record):
    """An action left all as it was, since it was so already, or nobody noticed; `why`: which of the two."""

    action: Action
    why: str


class FaultDetected(Record):
    """The platform knows: `by` (`device plugin`, `NodeD`), `latency` ms after it broke. `level` as handled."""

    kind: str
    where: str
    by: str
    latency: int
    level: str = ""


class FaultCleared(Record):
    """It is over; `how`: `itself`, `reset`, `repaired`, `restarted` (with the process)."""

    kind: str
    where: str
    how: str


class PodSlowed(Record):
    """A pod works at this part of its speed from now on; 1 as it should."""

    pod: PodRef
    factor: float


class NpuStateChanged(Record):
    """NPUs of a node changed to `state`: `inService`, `isolated`, `resetting`, `out`; `offered` is what is left.

    What is `out` is so until it is repaired, or `until` a time (ms).
    """

    node: str
    npus: tuple[int, ...]
    state: str
    offered: int
    until: int | None = None


class DevicePluginRegistered(Record):
    """The device plugin of a node has registered with its kubelet."""

    node: str


class AllocatableChanged(Record):
    """The status of a node says that it offers so many devices: `allocatable` of this resource."""

    node: str
    resource: str
    amount: int


class ResetHeld(Record):
    """An NPU waits for its reset until all `group` NPUs that are reset together are idle; `holders` still use some.

    Told again whenever that changes; a holder of "" stands for pods that are not played.
    """

    node: str
    npu: int
    group: int
    holders: tuple[tuple[str, tuple[int, ...]], ...]


class NpuResetTried(Record):
    """An attempt to reset a group of NPUs is over."""

    node: str
    npus: tuple[int, ...]
    attempt: int
    success: bool
