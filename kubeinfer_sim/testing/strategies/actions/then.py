"""What there is when an action is taken."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.testing.strategies.clusters import WrittenCluster
from kubeinfer_sim.testing.strategies.workloads import Workload
from kubeinfer_sim.testing.strategies.written import Raw


class Then:
    """What there is when an action is taken, as the actions before have left it.

    Attributes:
        storage: nodes share one.
        settable: the manifest has a hole `${image}`.
        classes_given: the spec says the value of each PriorityClass.
        at: the time of the action, ms.
        named: the workload that the action names as its `object`.
        nodes: the NPUs of each node, by name.
        objects: what owns no pods, of the manifest or created, by its name; `ResourceQuota/quota`.
        created: what owns pods and an action has created, and none deleted; `creations` counts all.
        object: what the action names besides.
        templates: how many other pod templates a workload has had, by its name.
        unnamed: actions of this instant that leave their `object` out, each with the one they mean.
    """

    def __init__(
        self,
        cluster: WrittenCluster,
        workloads: list[Workload],
        settable: bool = False,
        classes_given: bool = False,
        objects: Iterable[str] = (),
    ) -> None:
        self.cluster = cluster
        self.workloads = workloads
        self.storage = False
        self.settable = settable
        self.classes_given = classes_given
        self.at = 0
        self.down: set[str] = set()
        self.out_of_service: set[str] = set()
        self.paused: set[str] = set()
        self.templates: dict[str, int] = {}
        self.objects = list(objects)
        self.created: list[str] = []
        self.creations = 0
        self.object = ""
        self.unnamed: list[tuple[Raw, str]] = []
        self.named = workloads[0]
        self.nodes = dict(cluster.nodes)
        self.pools = {name: list(members) for name, members in cluster.pools.items()}
        self.labels: dict[str, Raw] = dict(cluster.labels)

    def there(self, names: Iterable[str]) -> list[str]:
        """Those of some nodes that exist, in order of their names."""
        return sorted(name for name in names if name in self.nodes)

    def of_kind(self, *kinds: str) -> list[Workload]:
        """The workloads of some kinds."""
        return [each for each in self.workloads if each.kind in kinds]

    def go_on(self, after: int) -> None:
        """So many ms pass."""
        self.at += after
        if after:
            self.unnamed.clear()

    def new_object(self, name: str) -> None:
        """Something is created: from this instant on the only object of before is one of several."""
        self.created.append(name)
        self.creations += 1
        for written, meant in self.unnamed:
            written["object"] = meant
        self.unnamed.clear()

    def new_template(self) -> None:
        """The workload that is named has another pod template from now on."""
        self.templates[self.named.name] = self.templates.get(self.named.name, 0) + 1
