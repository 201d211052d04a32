"""What the API server makes of the pods it is asked to create: mutating admission, once for each template.

Source: plugin/pkg/admission/defaulttolerationseconds/admission.go, plugin/pkg/admission/priority/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from kubeinfer_sim.cluster.node import NO_EXECUTE, NOT_READY, UNREACHABLE
from kubeinfer_sim.manifest.model import PodTemplate, Toleration
from kubeinfer_sim.scenario.cluster.model import ClusterObject, PriorityClass

#: What the DefaultTolerationSeconds admission plug-in grants.
DEFAULT_TOLERATION_SECONDS = 300

#: The PriorityClasses that every cluster has (pkg/apis/scheduling/v1/helpers.go).
SYSTEM_PRIORITY_CLASSES = (
    PriorityClass("system-cluster-critical", 2_000_000_000),
    PriorityClass("system-node-critical", 2_000_001_000),
)


def with_default_tolerations(
    tolerations: Sequence[Toleration], seconds: int = DEFAULT_TOLERATION_SECONDS
) -> tuple[Toleration, ...]:
    """A pod's tolerations after admission: 300 s of `not-ready` and `unreachable` unless it names them.

    A toleration with the key (or none) and effect NoExecute (or none) counts as naming it; operator and value are not
    looked at.
    """
    added = [
        Toleration(key, "Exists", "", NO_EXECUTE, seconds)
        for key in (NOT_READY, UNREACHABLE)
        if not any(t.key in ("", key) and t.effect in ("", NO_EXECUTE) for t in tolerations)
    ]
    return (*tolerations, *added)


class Admission:
    """The admission plug-ins, with their settings."""

    def __init__(
        self,
        toleration_seconds: int = DEFAULT_TOLERATION_SECONDS,
        priority_classes: Iterable[PriorityClass] = (),
    ) -> None:
        """Set up.

        Args:
            toleration_seconds: what pods are granted that do not say how long they tolerate a node that is lost.
            priority_classes: beside those that every cluster has; of several defaults the least counts.
        """
        self._toleration_seconds = toleration_seconds
        self._priority_classes = {each.name: each for each in (*SYSTEM_PRIORITY_CLASSES, *priority_classes)}
        # The template is kept beside what became of it so that its id stays its own.
        self._admitted: dict[int, tuple[PodTemplate, PodTemplate]] = {}

    def admit(self, template: PodTemplate) -> PodTemplate:
        """The template as the pods that are made from it are stored."""
        known = self._admitted.get(id(template))
        if known is None:
            known = self._admitted[id(template)] = template, self._mutate(template)
        return known[1]

    def object_put(self, written: ClusterObject) -> None:
        """A PriorityClass counts for the pods that are made from then on."""
        if isinstance(written.content, PriorityClass):
            self._priority_classes[written.name] = written.content
            self._admitted.clear()

    def object_deleted(self, written: ClusterObject) -> None:
        """The pods that are there keep their priority."""
        if written.kind == "PriorityClass" and self._priority_classes.pop(written.name, None) is not None:
            self._admitted.clear()

    def _default_class(self) -> PriorityClass | None:
        defaults = [each for each in self._priority_classes.values() if each.is_default]
        return min(defaults, key=lambda each: each.value, default=None)

    def _mutate(self, template: PodTemplate) -> PodTemplate:
        tolerations = with_default_tolerations(template.tolerations, self._toleration_seconds)
        template = replace(template, tolerations=tolerations)
        name = template.priority_class_name
        found = self._priority_classes.get(name) if name else self._default_class()
        if found is None:
            return template
        return replace(template, priority=found.value, preempts=template.preempts and found.preempts)
