"""Services as the scheduler sees them: by whose selectors pods belong together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.cluster.model import ServiceSelector


def service_selectors(
    objects: Iterable[OtherObject], kubeinfers: Iterable[KubeInfer]
) -> tuple[ServiceSelector, ...]:
    """Of the Services in the manifest files and of those of KubeInfers; one without a selector selects nothing."""

    def specs() -> Iterator[tuple[str, Any]]:
        for each in objects:
            if each.kind == "Service":
                yield each.namespace, each.document.value.get("spec")
        for kubeinfer in kubeinfers:
            for service in kubeinfer.network_services:
                yield kubeinfer.namespace, service.spec

    selectors = (
        (namespace, spec.get("selector")) for namespace, spec in specs() if isinstance(spec, Mapping)
    )
    return tuple(
        ServiceSelector(namespace, {str(key): str(value) for key, value in selector.items()})
        for namespace, selector in selectors
        if isinstance(selector, Mapping) and selector
    )
