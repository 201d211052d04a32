"""Which NPUs of a node each pod holds, and which of them the node offers.

The device plugin's share of the kubelet's device manager: ids are handed out when a pod is bound, packed ring by
ring. Made only for scenarios in which NPUs can fail; the scheduler alone counts them otherwise.

Groups (section 4 of the semantics page): an A2 server with HCCS has rings of 8, which reset together; an A3 card
has two dies, which do; an A2 without HCCS resets one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.fault_records import NpuStateChanged
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.manifest.accelerators import main_accelerator

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.devices.npu_fault import NpuFault

State = Literal["inService", "isolated", "resetting", "out"]
#: NPUs that are wired into one ring.
RING = 8


class Npu:
    """One NPU: who holds it, what it suffers from, whether it is offered.

    Attributes:
        holder: the pod; None when it is idle.
        taken: held by a pod from before the simulation that is not played.
        faults: those that last.
        told: ms of the faults the device plugin told of, as far as they count.
    """

    __slots__ = ("faults", "holder", "node", "number", "resets", "state", "taken", "told")

    def __init__(self, node: str, number: int) -> None:
        self.node = node
        self.number = number
        self.holder: Pod | None = None
        self.taken = False
        self.faults: dict[NpuFault, None] = {}
        self.state: State = "inService"
        self.told: list[int] = []
        self.resets: list[int] = []

    @property
    def name(self) -> str:
        """`node-0/npu3`."""
        return f"{self.node}/npu{self.number}"

    @property
    def idle(self) -> bool:
        """Nobody holds it."""
        return self.holder is None and not self.taken


class Devices(Watcher):
    """The NPUs of all nodes.

    Attributes:
        npus: by node, in the order of their numbers.
        on_bound: told of each pod that got NPUs.
        on_idle: told of each NPU that a pod gives back.
    """

    def __init__(
        self,
        clock: Clock,
        history: History,
        api: Api,
        *,
        group: int = 0,
        taken: Mapping[str, int] | None = None,
    ) -> None:
        """Number the NPUs of every node.

        `group` NPUs reset together: 1, 2 (dies of a card), 8 (a ring); 0: by the size of the node, a card where it
        has 16, else a ring. `taken` are the NPUs per node that pods beside the KubeInfer hold.
        """
        self._clock = clock
        self._history = history
        self._api = api
        nodes = api.nodes
        offered = {name: main_accelerator(node.spec.allocatable) for name, node in nodes.items()}
        self._resource = {name: resource for name, (resource, _) in offered.items()}
        self.npus = {
            name: [Npu(name, number) for number in range(count)] for name, (_, count) in offered.items()
        }
        self._group = group
        # By node, the NPUs of a ring, and whether the scheduler keeps account of them.
        self._ring = {
            name: (node.spec.npu_topology.ring, True) if node.spec.npu_topology else (RING, False)
            for name, node in nodes.items()
        }
        self._held: dict[Pod, list[Npu]] = {}
        self.on_bound: Callable[[Pod], None] = lambda pod: None
        self.on_idle: Callable[[Npu], None] = lambda npu: None
        self.on_isolate: Callable[[Npu, int], None] = lambda npu, cause: None
        for name, count in (taken or {}).items():
            for npu in self.npus[name][len(self.npus[name]) - count :] if count else ():
                npu.taken = True

    def of(self, pod: Pod) -> list[Npu]:
        """The NPUs a pod holds."""
        return self._held.get(pod, [])

    def all(self) -> Iterator[Npu]:
        """Every NPU, node by node."""
        for npus in self.npus.values():
            yield from npus

    def group(self, npu: Npu) -> list[Npu]:
        """Those that are reset together with it."""
        npus = self.npus[npu.node]
        ring, counted = self._ring[npu.node]
        size = self._group or (2 if len(npus) == 16 and not counted else ring)
        first = npu.number // size * size
        return npus[first : first + size]

    # -- handing out ---------------------------------------------------------------------------------------

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound: its NPUs are chosen."""
        assert pod.node is not None
        count = pod.template.requests.get(self._resource[pod.node.name], 0)
        if not count:
            return
        held = self._held[pod] = self._choose(pod, pod.node.name, count)
        for npu in held:
            npu.holder, npu.taken = pod, False
        self.on_bound(pod)

    def _choose(self, pod: Pod, node: str, count: int) -> list[Npu]:
        """From the rings the scheduler chose, where it counts them; else from the fullest ring that has room.

        Between the scheduler's decision and the binding an NPU may have broken: the pod then gets one that is not
        offered any more, as the kubelet's admission would only send it back to the same node.
        """
        npus, (ring_size, _) = self.npus[node], self._ring[node]
        free = [npu for npu in npus if npu.idle and npu.state == "inService"]
        rings: dict[int, list[Npu]] = {}
        for npu in free:
            rings.setdefault(npu.number // ring_size, []).append(npu)
        chosen = [npu for ring, amount in enumerate(pod.rings) for npu in rings.get(ring, [])[:amount]]
        if len(chosen) == count:
            return chosen
        fitting = [ring for ring in rings.values() if len(ring) >= count]
        if fitting:
            return min(fitting, key=len)[:count]
        order = [npu for ring in sorted(rings.values(), key=len, reverse=True) for npu in ring]
        known = set(order)
        order += [npu for npu in npus if npu.idle and npu not in known]
        order += [npu for npu in npus if npu.taken]
        return order[:count]

    def pod_gone(self, pod: Pod) -> None:
        """Its NPUs are idle."""
        held = self._held.pop(pod, [])
        for npu in held:
            npu.holder = None
        for npu in held:
            self.on_idle(npu)

    # -- what is offered -----------------------------------------------------------------------------------

    def set_state(self, npus: Iterable[Npu], state: State, cause: int) -> int:
        """NPUs of one node go to another state; the node offers those in service. Returns the record's id."""
        changed = [npu for npu in npus if npu.state != state]
        if not changed:
            return cause
        crossing = [npu for npu in changed if "inService" in (npu.state, state)]
        for npu in changed:
            npu.state = state
        node = changed[0].node
        offered = sum(npu.state == "inService" for npu in self.npus[node])
        self._offer(node, crossing, offered)
        numbers = tuple(npu.number for npu in changed)
        return self._history.append(NpuStateChanged(self._clock.now, cause, node, numbers, state, offered))

    def _offer(self, node: str, crossing: list[Npu], offered: int) -> None:
        """Write what the node offers, ring by ring where the scheduler keeps account of them."""
        resource, (size, counted) = self._resource[node], self._ring[node]
        known = self._api.nodes[node]
        if not counted:
            self._api.set_allocatable(known, resource, offered)
            return
        rings: dict[int, int] = {}
        for npu in crossing:
            rings[npu.number // size] = rings.get(npu.number // size, 0) + 1
        before = known.allocatable[resource]
        step = 1 if offered > before else -1
        for ring, number in rings.items() if offered != before else ():
            before += step * number
            self._api.set_allocatable(known, resource, before, ring=ring)

    def isolate(self, pod: Pod, cause: int) -> None:
        """A rule of recovery takes the pod's broken NPUs out, or all of them when none is known to be broken."""
        npus = self.of(pod)
        for npu in [npu for npu in npus if npu.faults] or npus:
            self.on_isolate(npu, cause)
