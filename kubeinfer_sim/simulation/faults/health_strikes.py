"""Which `health` actions strike something: a check is asked, or will be, while they last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from kubeinfer_sim.cluster.fault_records import StruckNothing
from kubeinfer_sim.cluster.kubelet.check_faults import CheckFaults
from kubeinfer_sim.cluster.pod import Pod, is_sidecar
from kubeinfer_sim.cluster.records import ContainersRunning, PodRef
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record
from kubeinfer_sim.scenario.actions.model import Action, Health
from kubeinfer_sim.simulation.actions.targets import TOO_SHORT, no_start

#: Whether a check behind one of these probes of a pod is asked now; of all containers, if none is named.
Asks = Callable[[Pod, tuple[str, ...], str], bool]


class _Unasked(Struct):
    """An action of whose checks none has been asked yet, and the pods it is about."""

    action: Health
    pods: dict[PodRef, Pod]


class HealthStrikes:
    """Watches those that have struck nothing yet; `faults`: what is to happen some time after starts."""

    def __init__(
        self, history: History, asks: Asks, actions: Iterable[Action], faults: CheckFaults | None
    ) -> None:
        self._history = history
        self._asks = asks
        self._faults = faults
        self._after_starts = [each for each in actions if isinstance(each, Health) and each.after is not None]
        self._unasked: list[_Unasked] = []
        self._watching = False

    def begins(self, action: Health, pods: Iterable[Pod]) -> None:
        """The action is about these pods, from now on."""
        meant = {pod.ref: pod for pod in pods}
        if any(self._asks(pod, action.probes, action.container) for pod in meant.values()):
            return
        self._unasked.append(_Unasked(action, meant))
        if not self._watching:
            self._watching = True
            self._history.subscribe(self._told)

    def set_up(self, action: Health, pod: Pod) -> None:
        """It is about this pod, too, which is set up now."""
        for each in self._unasked:
            if each.action is action:
                each.pods[pod.ref] = pod

    def missed(self, now: int) -> Iterator[StruckNothing]:
        """Those that have struck nothing by the end of the run."""
        for each in self._unasked:
            yield StruckNothing(now, NO_CAUSE, each.action, _why(each.action))
        for place, action in enumerate(self._after_starts):
            assert self._faults is not None
            first = self._faults.first(place)
            if first is None or first > now:
                why = no_start(action.until) if first is None else TOO_SHORT
                yield StruckNothing(now, NO_CAUSE, action, why)

    def _told(self, record: Record) -> None:
        if isinstance(record, ContainersRunning) and self._unasked:
            self._unasked = [each for each in self._unasked if not _asked_by(each, record)]


def _asked_by(unasked: _Unasked, started: ContainersRunning) -> bool:
    """Whether a check of the action is asked of what has started, once it is time."""
    action, pod = unasked.action, unasked.pods.get(started.pod)
    if pod is None or (action.until is not None and started.at >= action.until):
        return False
    template = pod.template
    return any(
        getattr(each, f"{probe}_probe") is not None
        for each in (*template.containers, *filter(is_sidecar, template.init_containers))
        if started.container in ("", each.name) and action.container in ("", each.name)
        for probe in action.probes
    )


def _why(action: Health) -> str:
    if action.probes == ("startup",):
        return f"what it means has started already, and {no_start(action.until)}"
    return f"none of the containers that it means is asked {' or '.join(action.probes)} checks"
