"""How often nodes, NPUs and containers failed, as events and pods tell it, with exact intervals.

Failures are taken to come by themselves at a constant rate, so that their number in a time is Poisson's; the interval
is the exact one (Garwood, Biometrika 28, 1936). Nodes: the event NodeNotReady (pkg/controller/nodelifecycle and the
kubelet). NPUs: what Ascend's device plugin writes about itself, `device fault, nodeName:…, assertion:Occur, …`, a
Warning (pkg/device/ascendcommon.go of MindCluster). Containers: `restartCount` over the time that pods have been there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any

from msgspec import Struct, field

from kubeinfer_sim.manifest.accelerators import family_of
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item
from kubeinfer_sim.scenario.timings.calibration.observe import seconds, times_in
from kubeinfer_sim.scenario.timings.calibration.roles import entries, mapping

#: For so long the API server keeps an event, s (`--event-ttl` of kube-apiserver).
EVENT_TTL = 3600.0
CONFIDENCE = 0.95
_HOUR = 3600.0
_DEVICE_FAULT = re.compile(r"device fault, nodeName:(?P<node>[^,]+),.*faultLevelName:(?P<level>[^,]+)")
#: Warnings of a fault that is over, or of one that is only told, are Normal events.
_OCCURS = "Warning"


class Rate(Struct, frozen=True):
    """How often something failed.

    Attributes:
        what: in words.
        count: how often, in `hours` of one of them.
        unit: of the hours: `node-hours`, `accelerator-hours`, `pod-hours`.
        process: kind and `per` of a fault process that comes as often.
        aside: what else is known of it.
    """

    what: str
    count: int
    hours: float
    unit: str
    process: str
    aside: str = ""

    @property
    def interval(self) -> tuple[float, float]:
        """Between which rates per hour the true one lies."""
        return poisson_interval(self.count, self.hours)


class Watched(Struct):
    """What several listings show together.

    Attributes:
        pods, events, nodes: each as it was seen last, by uid; `seen`: when that was, s since 1970.
        windows: the stretches of time whose events were listed.
    """

    pods: dict[str, Item] = field(default_factory=dict)
    events: dict[str, Item] = field(default_factory=dict)
    nodes: dict[str, Item] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    windows: list[tuple[float, float]] = field(default_factory=list)

    def add(self, items: Sequence[Item]) -> None:
        """The objects of one listing, taken at the latest time in it at the earliest."""
        taken = max((time for each in items for time in times_in(each.value)), default=-inf)
        for each in items:
            kind = each.value["kind"]
            place = {"Pod": self.pods, "Event": self.events, "Node": self.nodes}[kind]
            uid = each.uid
            if self.seen.get(uid, -inf) <= taken:
                place[uid], self.seen[uid] = each, taken
        if any(each.value["kind"] == "Event" for each in items) and taken > -inf:
            self.windows.append((taken - EVENT_TTL, taken))

    @property
    def hours(self) -> float:
        """For how long events were watched."""
        total, until = 0.0, -inf
        for begin, end in sorted(self.windows):
            total += max(0.0, end - max(begin, until))
            until = max(until, end)
        return total / _HOUR

    def rates(self) -> list[Rate]:
        """What can be told."""
        return [*self._of_nodes(), *self._of_npus(), *self._of_containers()]

    def _of_nodes(self) -> Iterator[Rate]:
        names = {str(each.value["metadata"].get("name")) for each in self.nodes.values()}
        named = {str(node) for each in self.pods.values() if (node := each.value["spec"].get("nodeName"))}
        number = len(names or named)
        if self.hours and number:
            count = sum(_times(each) for each in self._events("NodeNotReady", "Node"))
            aside = "" if names else "nodes are those that pods are on: list nodes, too"
            yield Rate("nodes not ready", count, self.hours * number, "node-hours", "NodeReboot node", aside)

    def _of_npus(self) -> Iterator[Rate]:
        npus = sum(
            _npus(mapping(mapping(each.value.get("status")).get("capacity"))) for each in self.nodes.values()
        )
        if not self.hours or not npus:
            return
        levels: dict[str, int] = {}
        for each in self.events.values():
            match = _DEVICE_FAULT.search(_text(each))
            if match is not None and each.value.get("type") == _OCCURS:
                levels[match["level"]] = levels.get(match["level"], 0) + _times(each)
        told = ", ".join(f"{number} {level}" for level, number in sorted(levels.items()))
        hours = self.hours * npus
        yield Rate("NPU faults", sum(levels.values()), hours, "accelerator-hours", "NpuFault npu", told)

    def _of_containers(self) -> Iterator[Rate]:
        count, hours, of_npus = 0, 0.0, 0.0
        for uid, each in self.pods.items():
            created = seconds(each.value["metadata"].get("creationTimestamp"))
            if created is None:
                continue
            there = max(0.0, self.seen[uid] - created) / _HOUR
            statuses = entries(mapping(each.value.get("status")).get("containerStatuses"))
            restarts = [one.get("restartCount") for one in statuses]
            count += sum(number for number in restarts if isinstance(number, int))
            hours += there
            of_npus += there * sum(
                _npus(
                    mapping(
                        mapping(one.get("resources")).get("limits")
                        or mapping(one.get("resources")).get("requests")
                    )
                )
                for one in entries(each.value["spec"].get("containers"))
            )
        if hours:
            aside = f"in {of_npus:,.4g} accelerator-hours" if of_npus else ""
            yield Rate("container restarts", count, hours, "pod-hours", "ProcessCrash pod", aside)

    def _events(self, reason: str, kind: str) -> Iterator[Item]:
        for each in self.events.values():
            about = mapping(each.value.get("involvedObject") or each.value.get("regarding"))
            if each.value.get("reason") == reason and about.get("kind") == kind:
                yield each


def poisson_interval(count: int, hours: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of a rate per hour, from so many in so many hours."""
    from scipy.stats import chi2  # half a second to import

    tail = (1 - confidence) / 2
    low = float(chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    return low / hours, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2 / hours


def rate_lines(rates: Iterable[Rate]) -> Iterator[str]:
    """The rates as comments of a file, each with the process of a scenario that comes as often."""
    for each in rates:
        low, high = each.interval
        between = (
            f"one in {_hours(1 / high)} to {_hours(1 / low)}" if low else f"one in {_hours(1 / high)} or more"
        )
        aside = f" ({each.aside})" if each.aside else ""
        yield f"  {each.what}: {each.count:,} in {each.hours:,.4g} {each.unit}{aside}: {between}"
        kind, per = each.process.split()
        if each.count:
            yield f"  - {{kind: {kind}, per: {per}, rate: {each.count} per {_length(each.hours)}}}"


def _hours(hours: float) -> str:
    return f"{hours:,.3g} h" if hours < 1000 else f"{hours:,.0f} h"


def _length(hours: float) -> str:
    """As a scenario writes it."""
    return f"{max(1, round(hours * 3600))}s" if hours < 10 else f"{round(hours)}h"


def _text(item: Item) -> str:
    return str(item.value.get("message") or item.value.get("note") or "")


def _times(item: Item) -> int:
    count = item.value.get("count")
    return count if isinstance(count, int) and count > 0 else 1


def _npus(resources: Mapping[str, Any]) -> int:
    number = 0
    for name, amount in resources.items():
        if family_of(str(name)) is not None and (text := str(amount)).isdigit():
            number += int(text)
    return number
