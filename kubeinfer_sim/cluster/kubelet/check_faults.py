"""Checks that go wrong some time after each start of their container, by order of the scenario.

What the checks of a run get is known when it begins: none of it is an event, and pods that are not meant cost nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.prober import Segment


class CheckFault(Struct, frozen=True):
    """Checks behind `probes` get this answer from `after` the start of a run on, in ms.

    Attributes:
        means: whether a pod is meant; `container` "": all of its containers.
        at, until: the runs that begin then; None: without end.
        lasts: for how long in each run; None: to its end.
        times: so many runs of each container; pods count by name. None: all.
    """

    means: Callable[[Pod], bool]
    answer: Segment
    probes: tuple[str, ...]
    after: int
    at: int = 0
    until: int | None = None
    lasts: int | None = None
    times: int | None = None
    container: str = ""

    def strikes(self, pod: Pod, container: str) -> bool:
        """Whether runs of this container may be struck."""
        return self.container in ("", container) and self.means(pod)


class Trouble(NamedTuple):
    """What the checks behind a kind of probe get from `since` to `until` (ms; None: to the end of the run)."""

    probe: str
    answer: Segment
    since: int
    until: int | None


class CheckFaults(Struct):
    """The faults of a scenario."""

    faults: Sequence[CheckFault]
    # How many runs each has struck, by its place, pod and container.
    _struck: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    # When each has struck first, or will if the run lasts until then, by its place.
    _first: dict[int, int] = field(default_factory=dict)

    def mean(self, pod: Pod, container: str) -> bool:
        """Whether any run of this container may be struck."""
        return any(fault.strikes(pod, container) for fault in self.faults)

    def first(self, place: int) -> int | None:
        """When the fault of this place strikes first, ms; None: no run that it means has begun."""
        return self._first.get(place)

    def of_run(self, pod: Pod, container: str, begins: int, probes: Container[str]) -> tuple[Trouble, ...]:
        """What becomes of the checks, behind these `probes`, in a run that begins now, which counts."""
        troubles: list[Trouble] = []
        for place, fault in enumerate(self.faults):
            key = place, pod.ref.name, container
            if (
                begins < fault.at
                or (fault.until is not None and begins >= fault.until)
                or (fault.times is not None and self._struck[key] >= fault.times)
                or not any(probe in probes for probe in fault.probes)
                or not fault.strikes(pod, container)
            ):
                continue
            self._struck[key] += 1
            since = begins + fault.after
            self._first[place] = min(since, self._first.get(place, since))
            until = None if fault.lasts is None else since + fault.lasts
            troubles += [Trouble(probe, fault.answer, since, until) for probe in fault.probes]
        return tuple(troubles)
