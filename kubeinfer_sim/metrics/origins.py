"""From what each pod of a run was made: its workload's version, its namespace, the template of its role."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import PodCreated, PodRef
from kubeinfer_sim.manifest.model import KubeInfer, PodTemplate
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Scenario


class Origins:
    """Is told of pods that are created.

    Attributes:
        created: the record of each.
    """

    def __init__(self, scenario: Scenario) -> None:
        applied = [each.workload for each in scenario.actions if isinstance(each, Apply)]
        self._specs = {
            (spec.kind, spec.name, spec.revision): spec
            for spec in (*scenario.workloads, *scenario.created, *applied)
        }
        self._namespaces: dict[tuple[str, str], str] = {
            (kind, name): spec.namespace for (kind, name, _), spec in self._specs.items()
        }
        self.created: dict[PodRef, PodCreated] = {}

    def note(self, record: PodCreated) -> None:
        """A pod is created."""
        self.created[record.pod] = record

    def namespace_of(self, kind: str, name: str) -> str:
        """The namespace of a workload."""
        return self._namespaces.get((kind, name), "default")

    def namespace(self, pod: PodRef) -> str:
        """The namespace of a pod."""
        return self.namespace_of(pod.instance.kind, pod.instance.owner)

    def template(self, pod: PodRef) -> PodTemplate | None:
        """What a pod was made from; None where no version known before the run has that."""
        created, ref = self.created.get(pod), pod.instance
        spec = None if created is None else self._specs.get((ref.kind, ref.owner, created.revision))
        if isinstance(spec, KubeInfer):
            return next((role.template for role in spec.roles if role.name == pod.role), None)
        return None if spec is None else spec.pod_templates[0]
