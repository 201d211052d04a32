"""Which pods an instance gives up so that others of it find room (the vendor's 降P补D: prefill for decode).

As few as will do, in the order the rule names the roles: of a role that keeps some pods one after the other from
the highest replica down, a role that keeps none as a whole. Those that turn out not to be needed are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GangScheduling
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.controllers.kubeinfer.instance import Instance
from kubeinfer_sim.scenario.recovery.rules import GiveUp


def make_room(
    scheduling: GangScheduling, instance: Instance, gang: PodGang, give_up: Sequence[GiveUp]
) -> tuple[list[list[Pod]], Mapping[Pod, str]] | None:
    """The pods to give up, in units that are made anew together, and where the gang goes then.

    No unit when there is room as it is; None when giving up all of them would not do.
    """
    units: list[list[Pod]] = []
    placement = scheduling.would_fit(gang)
    candidates = _candidates(instance, give_up)
    while placement is None:
        unit = next(candidates, None)
        if unit is None:
            return None
        units.append(unit)
        placement = scheduling.would_fit(gang, without=_pods(units))
    for unit in units[:-1]:
        rest = [other for other in units if other is not unit]
        without_unit = scheduling.would_fit(gang, without=_pods(rest))
        if without_unit is not None:
            units, placement = rest, without_unit
    return units, placement


def _candidates(instance: Instance, give_up: Sequence[GiveUp]) -> Iterator[list[Pod]]:
    for entry in give_up:
        pods = [
            pod
            for pod in instance.pods
            if pod.ref.role == entry.role
            and pod.node is not None
            and pod.state not in (PodState.DELETING, PodState.GONE)
            and pod not in instance.restoring
        ]
        pods.sort(key=lambda pod: -pod.ref.replica)
        if entry.keep == 0:
            if pods:
                yield pods[::-1]
        else:
            yield from ([pod] for pod in pods[: max(0, len(pods) - entry.keep)])


def _pods(units: Sequence[Sequence[Pod]]) -> list[Pod]:
    return [pod for unit in units for pod in unit]
