"""Which `health` actions strike something: a check is asked, or will be, while they last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, field

from kubeinfer_sim.cluster.fault_records import StruckNothing
from kubeinfer_sim.cluster.kubelet.check_faults import CheckFaults
from kubeinfer_sim.cluster.pod import Pod, is_sidecar
from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    ImagePullRetried,
    PodBound,
    PodDeleting,
    PodRef,
    SetUpContinued,
    TransferDone,
)
from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record
from kubeinfer_sim.scenario.actions.model import Action, Health
from kubeinfer_sim.simulation.actions.targets import TOO_SHORT, no_start

#: Whether a check behind one of these probes of a pod is asked now; of all containers, if none is named.
Asks = Callable[[Pod, tuple[str, ...], str], bool]


#: What tells the next stages of a pod's set-up, among them the starts of sidecars.
_SetUp = PodBound | ImagePullRetried | TransferDone | SetUpContinued


class _Unasked(Struct):
    """An action of whose checks none has been asked yet, and the pods it is about.

    `sidecars`: when the first sidecar of each starts whose checks it means, by its set-up as far as that is planned.
    """

    action: Health
    pods: dict[PodRef, Pod]
    sidecars: dict[PodRef, int] = field(default_factory=dict)

    def plan(self, record: _SetUp) -> None:
        """What was planned and has not begun is planned anew."""
        pod = self.pods.get(record.pod)
        if pod is None or self.sidecars.get(record.pod, record.at) < record.at:
            return
        self.sidecars.pop(record.pod, None)
        at = _sidecar_starts(self.action, pod, record)
        if at is not None and (self.action.until is None or at < self.action.until):
            self.sidecars[record.pod] = at

    def delete(self, record: PodDeleting) -> None:
        """What has not begun does not begin any more."""
        if self.sidecars.get(record.pod, record.at) > record.at:
            del self.sidecars[record.pod]


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
            if not any(started <= now for started in each.sidecars.values()):
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
        elif isinstance(record, _SetUp):
            for each in self._unasked:
                each.plan(record)
        elif isinstance(record, PodDeleting):
            for each in self._unasked:
                each.delete(record)


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


def _sidecar_starts(action: Health, pod: Pod, record: _SetUp) -> int | None:
    """When a sidecar starts in these stages whose first checks the action means; None: none does."""
    asked = {
        each.name
        for each in filter(is_sidecar, pod.template.init_containers)
        if action.container in ("", each.name)
        # Until its startup probe has succeeded the others are not asked.
        for probe in action.probes
        if getattr(each, f"{probe}_probe") is not None and (probe == "startup" or each.startup_probe is None)
    }
    if isinstance(record, SetUpContinued) and record.container in asked:
        return record.at
    at = record.at
    for stage in record.stages:
        if stage.name.kind is StageKind.SIDECAR and stage.name.about in asked:
            return at
        if stage.duration is None:
            break
        at += stage.duration
    return None


def _why(action: Health) -> str:
    if action.probes == ("startup",):
        return f"what it means has started already, and {no_start(action.until)}"
    return f"none of the containers that it means is asked {' or '.join(action.probes)} checks"
