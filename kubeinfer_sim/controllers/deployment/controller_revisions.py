"""The templates that a StatefulSet or a DaemonSet has had, as far as their ControllerRevisions are kept.

Source: pkg/controller/statefulset/stateful_set_control.go (getStatefulSetRevisions, truncateHistory),
pkg/controller/daemon/update.go (constructHistory, cleanupHistory), k8s.io/kubectl pkg/polymorphichelpers/rollback.go.
"""

from __future__ import annotations

from collections.abc import Collection

from kubeinfer_sim.manifest.model import DaemonSet, StatefulSet


class ControllerRevisions:
    """Those of one object, by their numbers; a template that comes back gets the highest one."""

    def __init__(self, spec: StatefulSet | DaemonSet) -> None:
        """Start with the first."""
        self._specs = {spec.revision: spec}

    def take(self, spec: StatefulSet | DaemonSet) -> None:
        """The object has been applied anew."""
        self._specs.pop(spec.revision, None)
        self._specs[spec.revision] = spec

    def before(self, live: Collection[str], limit: int) -> StatefulSet | DaemonSet | None:
        """The object as it was last with the template before its newest; None where none is kept.

        Args:
            live: the revisions that are in use, which stay.
            limit: how many of the others stay (revisionHistoryLimit), the newest.
        """
        *older, _ = self._specs
        idle = [each for each in older if each not in live]
        for revision in idle[: max(0, len(idle) - limit)]:
            del self._specs[revision]
        kept = list(self._specs.values())
        return kept[-2] if len(kept) > 1 else None
