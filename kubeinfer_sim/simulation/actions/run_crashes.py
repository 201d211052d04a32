"""Containers that end by themselves some time after each of their starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.fault_records import StruckNothing
from kubeinfer_sim.cluster.pod import Pod, is_sidecar
from kubeinfer_sim.cluster.records import ContainerCrashed, ContainersRunning, PodRef
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.scenario.actions.model import Action, Crash
from kubeinfer_sim.simulation.actions.targets import TOO_SHORT, matches, no_start


class RunCrashes(Watcher):
    """Ends runs as the scenario says; the crash written first wins."""

    def __init__(self, cluster: Cluster, actions: Iterable[Action]) -> None:
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._kubelet = cluster.kubelet
        self._crashes = [each for each in actions if isinstance(each, Crash) and each.after is not None]
        self._pods: dict[PodRef, Pod] = {}
        # How many runs of each container have begun, so that no crash strikes a later run than its own.
        self._runs: Counter[tuple[PodRef, str]] = Counter()
        # How often each crash has struck, by its place, pod and container; pods count by name.
        self._struck: Counter[tuple[int, str, str]] = Counter()
        # The crashes that are or were to strike some run, by place.
        self._awaited: set[int] = set()
        if self._crashes:
            self._history.subscribe(self._told)

    def __bool__(self) -> bool:
        return bool(self._crashes)

    def pod_bound(self, pod: Pod) -> None:
        """Its containers may run from now on."""
        self._pods[pod.ref] = pod

    def pod_gone(self, pod: Pod) -> None:
        """Nothing of it runs any more."""
        self._pods.pop(pod.ref, None)

    def missed(self, now: int) -> Iterator[StruckNothing]:
        """Those that have struck nothing by the end of the run."""
        struck = {place for place, _, _ in self._struck}
        for place, crash in enumerate(self._crashes):
            if place not in struck:
                began = place in self._awaited
                yield StruckNothing(now, NO_CAUSE, crash, TOO_SHORT if began else no_start(crash.until))

    def _told(self, record: Record) -> None:
        if not isinstance(record, ContainersRunning) or (pod := self._pods.get(record.pod)) is None:
            return
        template = pod.template
        containers = [*template.containers, *filter(is_sidecar, template.init_containers)]
        names = [record.container] if record.container else [each.name for each in containers]
        for name in names:
            self._runs[pod.ref, name] += 1
            self._begins(pod, name)

    def _begins(self, pod: Pod, name: str) -> None:
        engine = pod.template.engine.name
        for place, crash in enumerate(self._crashes):
            key = place, pod.ref.name, name
            if (
                (crash.container or engine) == name
                and self._strikes(crash, key)
                and matches(crash.target, pod)
            ):
                self._awaited.add(place)
                run = self._runs[pod.ref, name]
                assert crash.after is not None
                self._clock.after(crash.after, self._end, pod, name, run, place, phase=Phase.ACTION)
                return

    def _strikes(self, crash: Crash, key: tuple[int, str, str]) -> bool:
        """Whether it strikes a run that begins now; `key`: its place, pod and container."""
        now = self._clock.now
        return (
            crash.at <= now
            and (crash.until is None or now < crash.until)
            and (crash.times is None or self._struck[key] < crash.times)
        )

    def _end(self, pod: Pod, name: str, run: int, place: int) -> None:
        if self._runs[pod.ref, name] != run or not self._kubelet.runs(pod, name):
            return
        crash, key = self._crashes[place], (place, pod.ref.name, name)
        self._struck[key] += 1
        again = self._strikes(crash, key)
        crashed = ContainerCrashed(self._clock.now, NO_CAUSE, pod.ref, crash.reason, crash.exit_code, again)
        cause = self._history.append(crashed)
        self._kubelet.crash(pod, crash.reason, crash.exit_code, container=name, cause=cause)
