"""Volcano's PodGroups and Queues, as they stand in manifest files.

Source: volcano.sh/apis/pkg/apis/scheduling/v1beta1/types.go, and the CRDs of v1.15.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.manifest.checker import MAX_INT32
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError
from kubeinfer_sim.manifest.kubernetes.validation.resources import is_integer_resource
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import Resources
from kubeinfer_sim.manifest.pod_resources import whole_units
from kubeinfer_sim.manifest.register.kinds import VOLCANO_S
from kubeinfer_sim.scenario.cluster.model import PodGroup, Queue
from kubeinfer_sim.scenario.forms import shown

#: The most a queue may weigh (the CRD).
MOST_WEIGHT = 65_535
#: Of these a capability of 0 is none (pkg/scheduler/plugins/proportion).
UNLIMITED_AT_ZERO = ("cpu", "memory")


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
        spec.amounts("spec", "minResources"),
    )
    return None if spec.is_wrong else read


def read_queue(written: OtherObject, errors: list[Diagnostic]) -> Queue | None:
    """A Queue; None when it is wrong, which is noted, or of another API than Volcano's."""
    spec = _Spec(written, errors)
    if not spec.is_volcano_s:
        return None
    capability = spec.amounts("spec", "capability") or {}
    guarantee = spec.amounts("spec", "guarantee", "resource") or {}
    deserved = spec.amounts("spec", "deserved") or {}
    read = Queue(
        written.name,
        spec.number("weight", 1, least=1, most=MOST_WEIGHT),
        {name: amount for name, amount in capability.items() if amount or name not in UNLIMITED_AT_ZERO},
        spec.number("priority", 0),
        guarantee,
    )
    for name, amount in guarantee.items():
        if deserved.get(name, 0) < amount:
            message = f"deserved must be as much of {name}, or more: Volcano's webhook refuses the queue"
            spec.report(("spec", "guarantee", "resource", name), message)
    for name, amount in deserved.items():
        if amount > capability.get(name, amount):
            message = f"is more than its capability of {name}: Volcano's webhook refuses the queue"
            spec.report(("spec", "deserved", name), message)
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
            self.report(("spec",), f"expected a mapping, found {shown(found)}")
        self._fields: Mapping[str, Any] = found if isinstance(found, Mapping) else {}

    @property
    def is_wrong(self) -> bool:
        return len(self._errors) > self._before

    def report(self, path: Path, message: str) -> None:
        self._errors.append(self._written.document.diagnostic(path, message))

    def number(self, name: str, default: int, *, least: int = 0, most: int = MAX_INT32) -> int:
        value = self._fields.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            expected = f"{least} or more" if most == MAX_INT32 else f"{least} to {most}"
            self.report(("spec", name), f"expected a whole number of {expected}, found {shown(value)}")
            return default
        return value

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            self.report(("spec", name), f"expected a text, found {shown(value)}")
        return value if isinstance(value, str) else ""

    def amounts(self, *path: str) -> Resources | None:
        """Amounts by resource; None where they are not given."""
        value: Any = self._written.document.value
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.report(path, f"expected a mapping, found {shown(value)}")
            return None
        read: dict[str, Quantity] = {}
        for resource, amount in value.items():
            try:
                read[resource] = Quantity.from_json(amount)
            except QuantityError as error:
                self.report((*path, resource), str(error))
                continue
            if wrong := _out_of_range(resource, read[resource]):
                self.report((*path, resource), f"expected {wrong}, found {shown(amount)}")
        return whole_units(read)


def _out_of_range(resource: str, amount: Quantity) -> str:
    """What would be right instead, as Volcano's webhook checks it (ValidateResourceQuantityValue); "" where it is."""
    if amount.milli_value() < 0:
        return "0 or more"
    fraction = is_integer_resource(resource) and amount.milli_value() % 1000
    return f"a whole number of {resource}" if fraction else ""
