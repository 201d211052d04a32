"""Rules about names that lead nowhere: images that are no image reference, probe ports that no container has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.kubernetes.images import image_tag
from kubeinfer_sim.manifest.kubernetes.ports import resolve_port
from kubeinfer_sim.manifest.lint.rule import ContainerAt, Finding, LintContext, rule

_PROBES = {
    "startupProbe": "its result is thrown away each time: the container is never started nor killed",
    "readinessProbe": "its result is thrown away each time: the pod is never Ready",
    "livenessProbe": "its result is thrown away each time: a hang is never seen",
}
_HOOKS = {
    "postStart": "the hook fails and the container is killed at every start",
    "preStop": "the hook fails and nothing is drained",
}


@rule(
    "KI025",
    "invalid-image-name",
    Severity.ERROR,
    summary="the image is no image reference and can never be pulled",
    reason="""The API server hardly looks at the text of an image. The kubelet does, and leaves the container
    Waiting with InvalidImageName for ever: it neither pulls nor retries. An update to such an image stalls with
    its first new instance.""",
    right="registry/path:tag in lower case (the tag may have capitals), or registry/path@sha256:... with 64 digits.",
    source="the kubelet's image manager (pkg/kubelet/images/image_manager.go), pkg/util/parsers/parsers.go",
)
def invalid_image_name(context: LintContext) -> Iterator[Finding]:
    """Fires where the kubelet's parser would refuse the text."""
    for each in context.containers(sidecars=True):
        image = each.container.image
        if image and image_tag(image) is None:
            shown = image if len(image) <= 80 else f"{image[:77]}..."
            lower = image_tag(image.lower()) is not None
            yield Finding(
                (*each.path, "image"),
                f'"{shown}" is no image reference: the container stays Waiting (InvalidImageName) for ever',
                f"write {image.lower()}" if lower and len(image) <= 80 else "write registry/path:tag",
            )


@rule(
    "KI026",
    "no-such-port",
    Severity.ERROR,
    summary="a probe or hook goes to a port by a name that no port of its container has",
    reason="""A port may be given by the name of one of the container's ports. The API server does not look
    whether there is one; the kubelet does at every check, and throws the result away when there is none. A
    startup or readiness probe then never succeeds, a liveness probe never fails, and no event says why.""",
    right="The name of one of the same container's ports, or the number.",
    source="pkg/probe/util.go (ResolveContainerPort); the kubelet's prober (pkg/kubelet/prober/prober.go)",
)
def no_such_port(context: LintContext) -> Iterator[Finding]:
    """Fires for httpGet and tcpSocket handlers of probes and hooks."""
    for each in context.containers(sidecars=True):
        container = _raw(each)
        ports = container.get("ports") or ()
        hooks = container.get("lifecycle") or {}
        handlers: list[tuple[Path, Any, str]] = [
            *(((name,), container.get(name), what) for name, what in _PROBES.items()),
            *((("lifecycle", name), hooks.get(name), what) for name, what in _HOOKS.items()),
        ]
        for path, handler, what in handlers:
            for kind in ("httpGet", "tcpSocket"):
                port = ((handler or {}).get(kind) or {}).get("port")
                if isinstance(port, str) and not _resolves(port, ports):
                    names = [str(port["name"]) for port in ports if port.get("name")]
                    yield Finding(
                        (*each.path, *path, kind, "port"),
                        f'no port of {each.container.name} is named "{port}": {what}',
                        f"its ports are named {', '.join(names)}"
                        if names
                        else "name the port, or give its number",
                    )


def _raw(each: ContainerAt) -> Mapping[str, Any]:
    raw: Any = each.pods.template.raw.get("spec") or {}
    path: Path = each.path[-2:]
    container: Mapping[str, Any] = raw[path[0]][path[1]]
    return container


def _resolves(port: str, ports: Any) -> bool:
    try:
        resolve_port(port, ports)
    except ValueError:
        return False
    return True
