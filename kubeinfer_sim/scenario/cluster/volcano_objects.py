"""Volcano's PodGroups and Queues, as they stand in manifest files.

Source: volcano.sh/apis/pkg/apis/scheduling/v1beta1/types.go, and the CRDs of v1.15.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import Resources
from kubeinfer_sim.manifest.pod_resources import whole_units
from kubeinfer_sim.manifest.register.kinds import VOLCANO_S
from kubeinfer_sim.scenario.cluster.model import PodGroup, Queue
from kubeinfer_sim.scenario.forms import shown


def read_pod_group(written: OtherObject, errors: list[Diagnostic]) -> PodGroup | None:
    """A PodGroup; None when it is wrong, which is noted, or of another API than Volcano's."""
    spec = _Spec(written, errors)
    if not spec.is_volcano_s:
        return None
    read = PodGroup(
        written.name,
        written.namespace,
        spec.number("minMember", 1),
        spec.text("queue") or "default",
        spec.text("priorityClassName"),
        spec.amounts("minResources"),
    )
    return None if spec.is_wrong else read


def read_queue(written: OtherObject, errors: list[Diagnostic]) -> Queue | None:
    """A Queue; None when it is wrong, which is noted, or of another API than Volcano's."""
    spec = _Spec(written, errors)
    if not spec.is_volcano_s:
        return None
    weight = spec.number("weight", 1, least=1)
    read = Queue(written.name, weight, spec.amounts("capability") or {}, spec.number("priority", 0))
    return None if spec.is_wrong else read


class _Spec:
    """The spec of an object; what is wrong with it is noted."""

    def __init__(self, written: OtherObject, errors: list[Diagnostic]) -> None:
        self._written = written
        self._errors = errors
        self._before = len(errors)
        value = written.document.value
        self.is_volcano_s = value.get("apiVersion") == VOLCANO_S
        found = value.get("spec")
        if found is not None and not isinstance(found, Mapping):
            self._report(("spec",), f"expected a mapping, found {shown(found)}")
        self._fields: Mapping[str, Any] = found if isinstance(found, Mapping) else {}

    @property
    def is_wrong(self) -> bool:
        return len(self._errors) > self._before

    def _report(self, path: Path, message: str) -> None:
        self._errors.append(self._written.document.diagnostic(path, message))

    def number(self, name: str, default: int, *, least: int = 0) -> int:
        value = self._fields.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self._report(("spec", name), f"expected a whole number of {least} or more, found {shown(value)}")
            return default
        return value

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            self._report(("spec", name), f"expected a text, found {shown(value)}")
        return value if isinstance(value, str) else ""

    def amounts(self, name: str) -> Resources | None:
        """Amounts by resource; None where they are not given."""
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._report(("spec", name), f"expected a mapping, found {shown(value)}")
            return None
        read: dict[str, Quantity] = {}
        for resource, amount in value.items():
            try:
                read[resource] = Quantity.from_json(amount)
            except QuantityError as error:
                self._report(("spec", name, resource), str(error))
        return whole_units(read)
