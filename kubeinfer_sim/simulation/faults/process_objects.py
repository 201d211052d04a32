"""What the faults of a process strike: each object has a name, which names its random stream, and a target."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.engine.streams import Stream
from kubeinfer_sim.manifest.accelerators import main_accelerator
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.model import FaultProcess, MixPart
from kubeinfer_sim.simulation.faults.injector import Injector


class _Object(Struct, frozen=True):
    name: str
    target: Target
    npus: tuple[int, ...] = ()


class ProcessObjects:
    """The objects of one process, in a fixed order.

    Those of `nodes` that are not there when a fault is due are not struck.
    """

    def __init__(
        self,
        env: Environment,
        process: FaultProcess,
        nodes: Sequence[NodeSpec],
        kubeinfers: Sequence[KubeInfer],
        devices: Devices,
        injector: Injector,
    ) -> None:
        self._clock = env.clock
        self._nodes = nodes
        self._kubeinfers = kubeinfers
        self._devices = devices
        self._injector = injector
        self._objects = self._find(process)

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [each.name for each in self._objects]

    def _find(self, process: FaultProcess) -> list[_Object]:
        match process.per:
            case "npu":
                return [
                    _Object(f"{node.name}/npu{number}", _of_any(nodes=(node.name,)), (number,))
                    for node in self._nodes
                    for number in range(main_accelerator(node.allocatable)[1])
                ]
            case "pod":
                first = self._kubeinfers[:1]
                return [
                    each for other in self._kubeinfers for each in _places(other, named=other not in first)
                ]
            case "node":
                return [_Object(node.name, _of_any(nodes=(node.name,))) for node in self._nodes]
            case "domain":
                values = {node.labels.get(process.domain) for node in self._nodes} - {None}
                names = sorted(value for value in values if value is not None)
                return [_Object(name, _of_any(node_selector={process.domain: name})) for name in names]
            case "cluster":
                return [_Object("", _of_any())]

    def strike(self, index: int, process: FaultProcess, part: MixPart, source: Stream) -> None:
        """A fault of this kind strikes one of them now (`processes.Strike`)."""
        struck, clears = self._objects[index], process.clears_after
        fault = Fault(
            self._clock.now,
            part.kind,
            struck.target,
            struck.npus,
            part.level,
            part.symptom,
            None if clears is None else clears.sample(source),
            process.repair,
            factor=part.factor,
        )
        if process.per == "node" and KINDS[part.kind].strikes == "npu":
            count = len(self._devices.npus.get(struck.name, ()))
            if not count:
                return
            fault = replace(fault, npus=(int(source.random() * count),))
        self._injector.inject(fault, process.name)


#: What is on these nodes, whosever pods it is.
_of_any = partial(Target, kind="")


def _places(kubeinfer: KubeInfer, *, named: bool) -> list[_Object]:
    """The places of a KubeInfer's pods, as fault processes name them.

    All but the first KubeInfer's bear its name, so that one more KubeInfer does not draw other faults for the first.
    """
    prefix = f"{kubeinfer.name}/" if named else ""
    return [
        _Object(
            f"{prefix}{ordinal}/{role.name}/{pod}",
            Target(instances=(ordinal,), roles=(role.name,), pods=(pod,), name=kubeinfer.name),
        )
        for ordinal in range(kubeinfer.replicas)
        for role in kubeinfer.roles
        for pod in range(role.replicas)
    ]
