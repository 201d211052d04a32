"""PriorityClasses, by name and value in the scenario or standing in the manifest files as Kubernetes objects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.cluster.model import PriorityClass
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.forms import shown

KIND = "PriorityClass"
#: The greatest value that users may give (HighestUserDefinablePriority), and the least an int32 has.
GREATEST, LEAST = 1_000_000_000, -(2**31)
_POLICIES = ("PreemptLowerPriority", "Never")
#: Begins the names of those that every cluster has.
_SYSTEM = "system-"


def compile_priority_classes(
    values: Mapping[str, int],
    objects: Iterable[OtherObject],
    versions: Sequence[KubeInfer],
    context: Context,
    *,
    matter: bool,
    absent: Iterable[str] = (),
) -> tuple[PriorityClass, ...]:
    """All PriorityClasses; what is wrong is noted.

    Args:
        values: those of the scenario.
        objects: what stands in the manifest files beside workloads.
        versions: whatever has pods. Where there are PriorityClasses at all, a pod that names another one is an error:
            the API server would refuse it.
        context: notes errors.
        matter: priorities are asked for, also where no class is given.
        absent: names of classes of which it is known that they are not there at first.
    """
    classes = {name: PriorityClass(name, value) for name, value in values.items()}
    for each in objects:
        if each.kind == KIND:
            written = read_priority_class(each, context.errors)
            given = values.get(each.name)
            if written is not None and given not in (None, written.value):
                message = f"is {given} here and {written.value} in {each.document.source.name}"
                context.error(("spec", "priorityClasses", each.name), message)
            if written is not None:
                classes[each.name] = written
    absent = set(absent)
    for name in absent & classes.keys():
        context.error(("spec", "absent"), f"PriorityClass {name} is given, so it is there")
    if classes or matter:
        _check_names({*classes, *absent}, versions, context)
    return tuple(classes.values())


def read_priority_class(written: OtherObject, errors: list[Diagnostic]) -> PriorityClass | None:
    """A class as `kubectl apply` takes it (pkg/apis/scheduling/validation/validation.go); None when it is wrong."""
    document, before = written.document, len(errors)

    def error(path: Path, message: str) -> None:
        errors.append(document.diagnostic(path, message))

    value = document.value.get("value", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not LEAST <= value <= GREATEST:
        error(("value",), f"expected a whole number from {LEAST} to {GREATEST}, found {shown(value)}")
    if written.name.startswith(_SYSTEM):
        error(("metadata", "name"), f"names that begin with {_SYSTEM} are the cluster's own")
    default = document.value.get("globalDefault") or False
    if not isinstance(default, bool):
        error(("globalDefault",), f"expected true or false, found {shown(default)}")
    policy = document.value.get("preemptionPolicy") or _POLICIES[0]
    if policy not in _POLICIES:
        error(("preemptionPolicy",), f"expected {' or '.join(_POLICIES)}, found {shown(policy)}")
    if len(errors) > before:
        return None
    return PriorityClass(written.name, value, policy != "Never", default)


def _check_names(known: Collection[str], versions: Sequence[KubeInfer], context: Context) -> None:
    named = {
        role.template.priority_class_name: None
        for version in versions
        for role in version.roles
        if role.template.priority_class_name
    }
    for name in named:
        if name not in known and not name.startswith(_SYSTEM):
            written = context.document.value["spec"]
            place = next((each for each in ("priorityClasses", "assumptions") if each in written), None)
            path: Path = ("spec",) if place is None else ("spec", place)
            message = f"pods name PriorityClass {name!r}, whose value is not given"
            context.error(path, message, hint=f"add it: priorityClasses: {{{name}: 1000}}", key=True)
