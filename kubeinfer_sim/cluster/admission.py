"""What the API server makes of the pods it is asked to create: mutating admission, once for each template.

Source: plugin/pkg/admission/defaulttolerationseconds/admission.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubeinfer_sim.cluster.node import NO_EXECUTE, NOT_READY, UNREACHABLE
from kubeinfer_sim.manifest.model import PodTemplate, Toleration

#: What the DefaultTolerationSeconds admission plug-in grants.
DEFAULT_TOLERATION_SECONDS = 300


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
    """The admission plug-ins, with their settings; `toleration_seconds` is what pods that do not say are granted."""

    def __init__(self, toleration_seconds: int = DEFAULT_TOLERATION_SECONDS) -> None:
        self._toleration_seconds = toleration_seconds
        # The template is kept beside what became of it so that its id stays its own.
        self._admitted: dict[int, tuple[PodTemplate, PodTemplate]] = {}

    def admit(self, template: PodTemplate) -> PodTemplate:
        """The template as the pods that are made from it are stored."""
        known = self._admitted.get(id(template))
        if known is None:
            known = self._admitted[id(template)] = template, self._mutate(template)
        return known[1]

    def _mutate(self, template: PodTemplate) -> PodTemplate:
        return replace(
            template, tolerations=with_default_tolerations(template.tolerations, self._toleration_seconds)
        )
