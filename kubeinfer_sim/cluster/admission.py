"""What the API server makes of the pods it is asked to create, and whether it creates them: admission.

Source: plugin/pkg/admission/defaulttolerationseconds/admission.go, priority/admission.go, limitranger/admission.go,
runtimeclass/admission.go beside it; `quota.py`. What is mutated is so once for each template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kubeinfer_sim.cluster.node import NO_EXECUTE, NOT_READY, UNREACHABLE
from kubeinfer_sim.cluster.per_template import PerTemplate
from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.kubernetes.updates import invalid
from kubeinfer_sim.manifest.kubernetes.validation.resources import is_overcommit_allowed
from kubeinfer_sim.manifest.model import Container, PodTemplate, Toleration
from kubeinfer_sim.manifest.pod_resources import amounts, requests, resource_list, totals, whole_units
from kubeinfer_sim.manifest.references import CLASSES
from kubeinfer_sim.scenario.cluster.model import (
    ClusterObject,
    LimitRange,
    LimitRangeItem,
    PriorityClass,
    ResourceQuota,
    RuntimeClass,
)

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.quota import Quotas

#: What the DefaultTolerationSeconds admission plug-in grants.
DEFAULT_TOLERATION_SECONDS = 300

#: The PriorityClasses that every cluster has (pkg/apis/scheduling/v1/helpers.go).
SYSTEM_PRIORITY_CLASSES = (
    PriorityClass("system-cluster-critical", 2_000_000_000),
    PriorityClass("system-node-critical", 2_000_001_000),
)

_LISTS = ("containers", "initContainers")


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
    """The admission plug-ins, with their settings and the objects they go by.

    Attributes:
        quotas: None where there never is one.
    """

    def __init__(
        self,
        toleration_seconds: int = DEFAULT_TOLERATION_SECONDS,
        priority_classes: Iterable[PriorityClass] = (),
        objects: Iterable[ClusterObject] = (),
        *,
        absent: Iterable[tuple[str, str]] = (),
        quotas: Quotas | None = None,
    ) -> None:
        """Set up.

        Args:
            toleration_seconds: what pods are granted that do not say how long they tolerate a node that is lost.
            priority_classes: beside those that every cluster has; of several defaults the least counts.
            objects: LimitRanges, RuntimeClasses and ResourceQuotas among others.
            absent: classes, by kind and name, that are not there; any other that nobody gives is, and asks for nothing.
            quotas: as the attribute.
        """
        self._toleration_seconds = toleration_seconds
        self._priority_classes = {each.name: each for each in (*SYSTEM_PRIORITY_CLASSES, *priority_classes)}
        self._absent_classes = {(kind, name) for kind, name in absent if kind in CLASSES.values()}
        self._runtime_classes: dict[str, RuntimeClass] = {}
        self._limit_ranges: dict[str, dict[str, LimitRange]] = {}
        self.quotas = quotas
        self._outspoken = False  # whether any template so far says what admission has from its PriorityClass
        # The template is kept beside what became of it so that its id stays its own.
        self._admitted: dict[tuple[str, int], tuple[PodTemplate, PodTemplate]] = {}
        for each in objects:
            if not isinstance(each.content, PriorityClass):
                self.object_put(each)

    def admit(self, template: PodTemplate, namespace: str = "default") -> PodTemplate:
        """The template as the pods that are made from it there are stored."""
        known = self._admitted.get((namespace, id(template)))
        if known is None:
            made = self._mutate(template, namespace)
            known = self._admitted[namespace, id(template)] = template, made
        return known[1]

    def may_refuse(self, templates: Iterable[PodTemplate]) -> bool:
        """Whether there is anything that could have it refuse pods of these templates."""
        there = self.quotas is not None or bool(self._absent_classes) or any(self._limit_ranges.values())
        return there or any(map(_says_priority, templates))

    def refusal(self, namespace: str, pods: Sequence[tuple[str, PodTemplate]]) -> Refusal | None:
        """Why the API server does not take these pods, admitted and by name; None where it does."""
        for name, template in pods if self._absent_classes else ():
            if ("PriorityClass", needed := template.priority_class_name) in self._absent_classes:
                why = f"no PriorityClass with name {needed} was found"
                return Refusal("PriorityClass", f'pods "{name}" is forbidden: {why}')
            if ("RuntimeClass", needed := _runtime_class(template)) in self._absent_classes:
                why = f'pod rejected: RuntimeClass "{needed}" not found'
                return Refusal("RuntimeClass", f'pods "{name}" is forbidden: {why}')
        for name, template in pods if self._outspoken else ():
            if _says_priority(template) and (why := self._another_priority(template)):
                return Refusal("priority", f'pods "{name}" is forbidden: {why}')
        ranges = self._limit_ranges.get(namespace, {}).values()
        for name, template in pods if ranges else ():
            if errors := _more_than_limits(template):
                return Refusal("invalid", invalid("Pod", name, errors))
            for limits in ranges:
                if why := _outside(limits, template):
                    return Refusal("LimitRange", f'pods "{name}" is forbidden: {why}')
        return None if self.quotas is None else self.quotas.refusal(namespace, pods)

    def object_put(self, written: ClusterObject) -> None:
        """It counts for the pods that are made from then on."""
        match written.content:
            case PriorityClass():
                self._priority_classes[written.name] = written.content
                self._absent_classes.discard((written.kind, written.name))
            case RuntimeClass():
                self._runtime_classes[written.name] = written.content
                self._absent_classes.discard((written.kind, written.name))
            case LimitRange():
                self._limit_ranges.setdefault(written.namespace, {})[written.name] = written.content
            case ResourceQuota() if self.quotas is not None:
                self.quotas.put(written.content)
                return
            case _:
                return
        self._admitted.clear()

    def object_deleted(self, written: ClusterObject) -> None:
        """The pods that are there stay as they are."""
        match written.kind:
            case "PriorityClass":
                self._priority_classes.pop(written.name, None)
                self._absent_classes.add((written.kind, written.name))
            case "RuntimeClass":
                self._runtime_classes.pop(written.name, None)
                self._absent_classes.add((written.kind, written.name))
            case "LimitRange":
                self._limit_ranges.get(written.namespace, {}).pop(written.name, None)
            case "ResourceQuota" if self.quotas is not None:
                self.quotas.delete(written.namespace, written.name)
        self._admitted.clear()

    def priority_of(self, class_name: str) -> int:
        """The value of a PriorityClass as Volcano reads it: of the default where there is none of this name; else 0."""
        named = self._class(class_name) or self._default_class()
        return 0 if named is None else named.value

    def _another_priority(self, template: PodTemplate) -> str:
        """Why a pod may not say what follows from its class (priority/admission.go, admitPod); "" where it is the same.

        Of a class that is taken to be there its own word is all that is known.
        """
        named = self._class(template.priority_class_name)
        if named is None and template.priority_class_name:
            return ""
        priority, preempts = (0, True) if named is None else (named.value, named.preempts)
        own = _spec(template)
        for what, said, computed in (
            ("integer value of priority", own.get("priority"), priority),
            (
                "string value of PreemptionPolicy",
                own.get("preemptionPolicy"),
                "PreemptLowerPriority" if preempts else "Never",
            ),
        ):
            if said is not None and said != computed:
                return (
                    f"the {what} ({said}) must not be provided in pod spec; priority admission controller computed "
                    f"{computed} from the given PriorityClass name"
                )
        return ""

    def _class(self, name: str) -> PriorityClass | None:
        return self._priority_classes.get(name) if name else self._default_class()

    def _default_class(self) -> PriorityClass | None:
        defaults = [each for each in self._priority_classes.values() if each.is_default]
        return min(defaults, key=lambda each: each.value, default=None)

    def _mutate(self, template: PodTemplate, namespace: str) -> PodTemplate:
        self._outspoken |= _says_priority(template)
        template = _tolerating(self._toleration_seconds)(template)
        priority_class = self._class(template.priority_class_name)
        if priority_class is not None:
            preempts = template.preempts and priority_class.preempts
            template = replace(template, priority=priority_class.value, preempts=preempts)
        for limits in self._limit_ranges.get(namespace, {}).values():
            template = _with_defaults(template, limits)
        runtime = self._runtime_classes.get(_runtime_class(template))
        return template if runtime is None else _in_runtime(template, runtime)


@lru_cache(maxsize=64)
def _tolerating(seconds: int) -> PerTemplate[PodTemplate]:
    """What makes templates tolerate nodes that are lost for so long; in most clusters that is all that is mutated."""

    def mutate(template: PodTemplate) -> PodTemplate:
        return replace(template, tolerations=with_default_tolerations(template.tolerations, seconds))

    return PerTemplate(mutate)


def _spec(template: PodTemplate) -> Mapping[str, Any]:
    spec = template.raw.get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _says_priority(template: PodTemplate) -> bool:
    """Whether a pod itself says what admission has from its PriorityClass."""
    spec = _spec(template)
    return spec.get("priority") is not None or spec.get("preemptionPolicy") is not None


def _runtime_class(template: PodTemplate) -> str:
    return str(_spec(template).get("runtimeClassName") or "")


def _with_spec(template: PodTemplate, spec: Mapping[str, Any]) -> PodTemplate:
    return replace(template, raw={**template.raw, "spec": spec}, requests=requests(spec))


def _with_defaults(template: PodTemplate, limits: LimitRange) -> PodTemplate:
    """Containers get the limits and requests that they do not name (mergePodResourceRequirements)."""
    if not limits.limits and not limits.requests:
        return template

    def filled(container: Mapping[str, Any]) -> dict[str, Any]:
        resources = container.get("resources") or {}
        own = resources.get("limits") or {}
        asked = {**limits.requests, **own, **(resources.get("requests") or {})}
        return {**container, "resources": {"limits": {**limits.limits, **own}, "requests": asked}}

    spec = _spec(template)
    spec = {**spec, **{key: [filled(each) for each in spec[key]] for key in _LISTS if spec.get(key)}}
    of = {each["name"]: each for key in _LISTS for each in spec.get(key) or ()}

    def asking(container: Container) -> Container:
        raw = of[container.name]["resources"]
        typed = {"resources": {kind: resource_list(raw[kind]) for kind in raw}}
        return replace(
            container,
            requests=whole_units(amounts(typed, "requests")),
            limits=whole_units(amounts(typed, "limits")),
        )

    return replace(
        _with_spec(template, spec),
        containers=tuple(map(asking, template.containers)),
        init_containers=tuple(map(asking, template.init_containers)),
    )


def _in_runtime(template: PodTemplate, runtime: RuntimeClass) -> PodTemplate:
    """The pod gets the overhead of its RuntimeClass, and goes to the nodes that have the runtime."""
    if runtime.overhead:
        template = _with_spec(template, {**_spec(template), "overhead": dict(runtime.overhead)})
    return replace(
        template,
        node_selector={**template.node_selector, **runtime.node_selector},
        tolerations=(*template.tolerations, *runtime.tolerations),
    )


def _more_than_limits(template: PodTemplate) -> list[str]:
    """What validation says of requests above the limits that LimitRanges have filled in, beside their fields.

    It comes after the defaults, before LimitRanges are checked (ValidateContainerResourceRequirements).
    """
    return [
        f'spec.{key}[{index}].resources.requests: Invalid value: "{asked.canonical()}": '
        f"must be {'less than or ' if may_be_less else ''}equal to {name} limit of {limit.canonical()}"
        for key in _LISTS
        for index, each in enumerate(_spec(template).get(key) or ())
        for raw in [each.get("resources") or {}]
        for limits in [resource_list(raw.get("limits"))]
        for name, asked in resource_list(raw.get("requests")).items()
        for limit in [limits.get(name, asked)]
        for may_be_less in [is_overcommit_allowed(name)]
        if (asked > limit if may_be_less else asked != limit)
    ]


def _outside(limits: LimitRange, template: PodTemplate) -> str:
    """Why a LimitRange forbids a pod (PodValidateLimitFunc); "" where it does not."""
    spec = _spec(template)
    of_type = {
        "Container": [
            ({**limited, **resource_list(raw.get("requests"))}, limited)
            for key in _LISTS
            for each in spec.get(key) or ()
            for raw in [each.get("resources") or {}]
            for limited in [resource_list(raw.get("limits"))]
        ],
        "Pod": [(totals(spec, "requests"), totals(spec, "limits"))],
    }
    errors = [
        error
        for item in limits.items
        for asked, limited in of_type[item.type]
        for error in _item_errors(item, asked, limited)
    ]
    told = list(dict.fromkeys(errors))
    return f"[{', '.join(told)}]" if len(told) > 1 else "".join(told)


def _item_errors(
    item: LimitRangeItem, asked: Mapping[str, Quantity], limited: Mapping[str, Quantity]
) -> Iterator[str]:
    """minConstraint, maxConstraint and limitRequestRatioConstraint of one item, for one container or pod."""
    for name, bound in item.least.items():
        request, limit = asked.get(name), limited.get(name)
        words = f"minimum {name} usage per {item.type} is {bound.canonical()}"
        if request is None:
            yield f"{words}.  No request is specified"
        elif request < bound:
            yield f"{words}, but request is {request.canonical()}"
        elif limit is not None and limit < bound:
            yield f"{words}, but limit is {limit.canonical()}"
    for name, bound in item.most.items():
        request, limit = asked.get(name), limited.get(name)
        words = f"maximum {name} usage per {item.type} is {bound.canonical()}"
        if limit is None:
            yield f"{words}.  No limit is specified"
        elif limit > bound:
            yield f"{words}, but limit is {limit.canonical()}"
        elif request is not None and request > bound:
            yield f"{words}, but request is {request.canonical()}"
    for name, bound in item.ratio.items():
        request, limit = asked.get(name), limited.get(name)
        words = f"{name} max limit to request ratio per {item.type} is {bound.canonical()}"
        if request is None or not request.sign:
            yield f"{words}, but no request is specified or request is 0"
        elif limit is None or not limit.sign:
            yield f"{words}, but no limit is specified or limit is 0"
        elif (ratio := limit.milli_value() / request.milli_value()) * 1000 > bound.milli_value():
            yield f"{words}, but provided ratio is {ratio:f}"
