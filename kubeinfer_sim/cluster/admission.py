"""What the API server makes of the pods it is asked to create, and whether it creates them: admission.

Source: plugin/pkg/admission/defaulttolerationseconds/admission.go, priority/admission.go, limitranger/admission.go,
runtimeclass/admission.go beside it; `quota.py`. What is mutated is so once for each template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kubeinfer_sim.cluster.node import NO_EXECUTE, NOT_READY, UNREACHABLE
from kubeinfer_sim.cluster.quota import Quotas
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.model import Container, PodTemplate, Toleration
from kubeinfer_sim.manifest.pod_resources import amounts, requests, resource_list, totals, whole_units
from kubeinfer_sim.scenario.cluster.model import (
    ClusterObject,
    LimitRange,
    PriorityClass,
    ResourceQuota,
    RuntimeClass,
)

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
        quotas: Quotas | None = None,
    ) -> None:
        """Set up.

        Args:
            toleration_seconds: what pods are granted that do not say how long they tolerate a node that is lost.
            priority_classes: beside those that every cluster has; of several defaults the least counts.
            objects: LimitRanges, RuntimeClasses and ResourceQuotas among others.
            quotas: as the attribute.
        """
        self._toleration_seconds = toleration_seconds
        self._priority_classes = {each.name: each for each in (*SYSTEM_PRIORITY_CLASSES, *priority_classes)}
        self._runtime_classes: dict[str, RuntimeClass] = {}
        self._limit_ranges: dict[str, dict[str, LimitRange]] = {}
        self.quotas = quotas
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

    @property
    def may_refuse(self) -> bool:
        """Whether there is anything that could have it refuse pods."""
        return self.quotas is not None or any(self._limit_ranges.values())

    def refusal(self, namespace: str, pods: Sequence[tuple[str, PodTemplate]]) -> str:
        """Why the API server does not take these pods, admitted and by name; "" where it does."""
        for limits in self._limit_ranges.get(namespace, {}).values():
            for name, template in pods:
                if why := _outside(limits, template):
                    return f'pods "{name}" is forbidden: {why}'
        return "" if self.quotas is None else self.quotas.refusal(namespace, pods)

    def object_put(self, written: ClusterObject) -> None:
        """It counts for the pods that are made from then on."""
        match written.content:
            case PriorityClass():
                self._priority_classes[written.name] = written.content
            case RuntimeClass():
                self._runtime_classes[written.name] = written.content
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
            case "RuntimeClass":
                self._runtime_classes.pop(written.name, None)
            case "LimitRange":
                self._limit_ranges.get(written.namespace, {}).pop(written.name, None)
            case "ResourceQuota" if self.quotas is not None:
                self.quotas.delete(written.namespace, written.name)
        self._admitted.clear()

    def _default_class(self) -> PriorityClass | None:
        defaults = [each for each in self._priority_classes.values() if each.is_default]
        return min(defaults, key=lambda each: each.value, default=None)

    def _mutate(self, template: PodTemplate, namespace: str) -> PodTemplate:
        tolerations = with_default_tolerations(template.tolerations, self._toleration_seconds)
        template = replace(template, tolerations=tolerations)
        name = template.priority_class_name
        found = self._priority_classes.get(name) if name else self._default_class()
        if found is not None:
            preempts = template.preempts and found.preempts
            template = replace(template, priority=found.value, preempts=preempts)
        for limits in self._limit_ranges.get(namespace, {}).values():
            template = _with_defaults(template, limits)
        runtime = self._runtime_classes.get(str(_spec(template).get("runtimeClassName")))
        return template if runtime is None else _in_runtime(template, runtime)


def _spec(template: PodTemplate) -> Mapping[str, Any]:
    spec = template.raw.get("spec")
    return spec if isinstance(spec, Mapping) else {}


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

    lists = ("containers", "initContainers")
    spec = _spec(template)
    spec = {**spec, **{key: [filled(each) for each in spec[key]] for key in lists if spec.get(key)}}
    of = {each["name"]: each for key in lists for each in spec.get(key) or ()}

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


def _outside(limits: LimitRange, template: PodTemplate) -> str:
    """Why a pod is refused whose containers ask for less or more than they may; "" where they may."""
    spec = _spec(template)
    holders = [
        (
            "Container",
            resource_list(raw.get("requests")),
            resource_list(raw.get("limits")),
            limits.least,
            limits.most,
        )
        for key in ("containers", "initContainers")
        for each in spec.get(key) or ()
        for raw in [each.get("resources") or {}]
    ]
    whole = totals(spec, "requests"), totals(spec, "limits")
    holders.append(("Pod", *whole, limits.pod_least, limits.pod_most))
    for what, asked, limited, least, most in holders:
        for name, text in least.items():
            found = asked.get(name)
            if found is None:
                return f"minimum {name} usage per {what} is {text}.  No request is specified"
            if found < Quantity.parse(text):
                return f"minimum {name} usage per {what} is {text}, but request is {found}"
        for name, text in most.items():
            found = limited.get(name)
            if found is None:
                return f"maximum {name} usage per {what} is {text}.  No limit is specified"
            if found > Quantity.parse(text):
                return f"maximum {name} usage per {what} is {text}, but limit is {found}"
    return ""
