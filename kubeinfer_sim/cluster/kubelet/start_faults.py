"""What goes wrong while containers start, by order of the scenario: init containers and postStart hooks that fail.

Which runs fail is known beforehand, so that a pod's start stays one plan: nothing is polled, and pods that no fault
means cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from msgspec import Struct, field

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.scenario.actions.model import StartFault


class Failure(Struct, frozen=True):
    """A run that ends badly; `fault` is what the scenario says about it."""

    reason: str
    exit_code: int
    fault: StartFault


class StartFaults(Struct):
    """The faults of a scenario, the one written first wins.

    Attributes:
        faults: each with the test that says which pods it means.
        struck: how often each has struck, by place in `faults`, pod and container. Pods count by name, so the
            successor of a pod at its place goes on where that has left off.
    """

    faults: Sequence[tuple[StartFault, Callable[[Pod], bool]]]
    struck: dict[tuple[int, str, str], int] = field(default_factory=dict)

    def of(self, what: Literal["init", "postStart"], pod: Pod, container: str, begins: int) -> Failure | None:
        """How a run of an init container, or a hook, ends that begins at `begins`; None: well."""
        for index, (fault, means) in enumerate(self.faults):
            if fault.what != what or fault.container not in ("", container) or not fault.at <= begins:
                continue
            if fault.until is not None and begins >= fault.until:
                continue
            if (
                fault.times is not None
                and self.struck.get((index, pod.ref.name, container), 0) >= fault.times
            ):
                continue
            if means(pod):
                return Failure(fault.reason, fault.exit_code, fault)
        return None

    def missed(self) -> Iterator[StartFault]:
        """Those that have struck nothing."""
        struck = {place for place, _, _ in self.struck}
        return (fault for place, (fault, _) in enumerate(self.faults) if place not in struck)

    def count(self, pod: Pod, container: str, fault: StartFault) -> None:
        """A run has ended as the fault says."""
        for index, (each, _) in enumerate(self.faults):
            if each is fault:
                key = (index, pod.ref.name, container)
                self.struck[key] = self.struck.get(key, 0) + 1
