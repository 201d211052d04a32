"""What follows from a pod template alone: worked out once in a process, not in each of its runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.manifest.references import needs

T = TypeVar("T")

#: So many templates are remembered: more than a scenario has, and no more than a few MB over any number of them.
MOST_KNOWN = 1024


class PerTemplate(Generic[T]):
    """Works out something for a template when it is first asked; a template is known again by identity."""

    def __init__(self, work_out: Callable[[PodTemplate], T]) -> None:
        self._work_out = work_out
        # The template is kept beside what is known of it so that its id stays its own.
        self._known: dict[int, tuple[PodTemplate, T]] = {}

    def __call__(self, template: PodTemplate) -> T:
        """What follows from this template."""
        known = self._known.get(id(template))
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self._known[id(template)] = template, self._work_out(template)
        return known[1]


#: What the pods of a template need.
needs_of = PerTemplate(needs)
