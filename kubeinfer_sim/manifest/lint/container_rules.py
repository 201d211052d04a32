"""Rules about containers and volumes: images that move, requests below limits, caches that do not stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.kubernetes.images import image_tag
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.lint.rule import Finding, LintContext, TemplateAt, duration, has_npus, rule
from kubeinfer_sim.manifest.model import Resources

_CACHE = r"(?i)cache|model|weight|checkpoint|compile|graph|hugging"


@rule(
    "KI018",
    "moving-image",
    Severity.WARNING,
    summary="the image is `latest`, or fetched anew at every start",
    reason="""A `latest` tag means another image tomorrow: pods of one instance may run different versions
    after a restart of one of them, an update that changes nothing in the manifest rolls nothing out, and
    there is no way back. imagePullPolicy: Always asks the registry at every container start, so that no
    instance can recover while the registry is away.""",
    right="A fixed tag or a digest, with imagePullPolicy: IfNotPresent.",
    source="Kubernetes documentation, Images; the kubelet's image manager (pkg/kubelet/images/image_manager.go)",
)
def moving_image(context: LintContext) -> Iterator[Finding]:
    """A warning for `latest`; a note for Always with a fixed tag."""
    each_has = sum(each.replicas for each in context.templates)
    pods = each_has * context.instances
    none_of = f"none of the instance's {each_has} pods"
    if context.unit == "pod":
        none_of = "no pod" if pods < 2 else f"none of the {pods} pods"
    for each in context.containers(sidecars=True):
        container = each.container
        if image_tag(container.image) == "latest":
            yield Finding(
                (*each.path, "image"),
                f"{container.image} may be another image at each start: {each.pods.replicas} of the {pods} pods "
                "at a time may run another version than the rest"
                if pods > 1
                else f"{container.image} may be another image at each start",
                "name a fixed tag or a digest",
            )
        elif container.image_pull_policy == "Always":
            yield Finding(
                (*each.path, "imagePullPolicy"),
                f"Always asks the registry at every container start: while it is away, {none_of} can restart",
                "write imagePullPolicy: IfNotPresent",
                Severity.NOTE,
            )


@rule(
    "KI021",
    "requests-differ-from-limits",
    Severity.NOTE,
    summary="cpu or memory requests are below the limits, or without a limit",
    reason="""A pod whose requests and limits are equal is Guaranteed; any other is Burstable. When a node runs
    short of memory, Burstable pods that use more than they requested are killed first, and one engine killed
    restarts the whole instance: minutes of loading for a few GiB. The scheduler, too, counts requests only,
    and can put more onto a node than it carries.""",
    right="requests equal to limits for cpu and memory in pods with NPUs.",
    source="Kubernetes documentation, Pod Quality of Service Classes; pkg/apis/core/v1/helper/qos/qos.go",
)
def requests_differ_from_limits(context: LintContext) -> Iterator[Finding]:
    """Fires for containers of roles with NPUs."""
    for each in context.containers(sidecars=True):
        requests, limits = each.container.requests, each.container.limits
        if not has_npus(each.pods.template):
            continue
        different = [name for name in ("cpu", "memory") if requests.get(name) != limits.get(name)]
        if not different:
            continue
        what = " and ".join(
            f"{name} request {_amount(name, requests)}, limit {_amount(name, limits)}" for name in different
        )
        yield Finding(
            (*each.path, "resources"),
            f"{what}: the pod is Burstable and among the first to be killed when the node runs short",
            "make requests and limits equal",
            key=True,
        )


def _amount(name: str, resources: Resources) -> str:
    if name not in resources:
        return "none"
    if name == "cpu":
        return str(Quantity.parse(f"{resources[name]}m"))
    number = resources[name]
    for unit, size in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if number and number % size == 0:
            return f"{number // size}{unit}"
    return str(number)


@rule(
    "KI022",
    "cold-elsewhere",
    Severity.NOTE,
    summary="weights or caches lie in a hostPath or emptyDir: warm on one node only, or never",
    reason="""Weights in a folder of the node (hostPath) and in its page cache make a restart on the same node
    warm. Every other node starts cold, which an update with a spare instance always does, and a recovery when
    the old place is taken. An emptyDir goes with its pod: whatever is cached there is loaded or compiled anew
    by every new pod, on the same node, too.""",
    right="""Weights on every node the pods may come to (or on shared storage), compile caches in a hostPath or
    a claim; keep an emptyDir for /dev/shm and scratch files.""",
    source="Kubernetes documentation, Volumes (emptyDir, hostPath); expected loads: this project's stage timings",
)
def cold_elsewhere(context: LintContext) -> Iterator[Finding]:
    """Fires for weights in a hostPath and for emptyDirs that are by their name a cache."""
    for each in context.templates:
        load = context.load(each.template)
        if not has_npus(each.template) or load is None:
            continue
        for path, volume in _volumes(each):
            if "hostPath" in volume and each.template.weights_volume == "local" and _is_cache(each, volume):
                yield Finding(
                    (*path, "hostPath"),
                    f"warm on this node only: a restart here takes about {duration(load.warm)}, on any other node "
                    f"about {duration(load.cold)}",
                    "keep the folder filled on every node the pods may come to",
                    key=True,
                )
            elif "emptyDir" in volume and _is_cache(each, volume):
                yield Finding(
                    (*path, "emptyDir"),
                    f"{volume.get('name')} is emptied with every pod: each restart is a cold one, about "
                    f"{duration(load.cold)} instead of {duration(load.warm)}",
                    "use a hostPath or a claim",
                    key=True,
                )


def _volumes(each: TemplateAt) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    volumes = (each.template.raw.get("spec") or {}).get("volumes") or ()
    for index, volume in enumerate(volumes):
        yield (*each.pod_path, "volumes", index), volume


def _is_cache(each: TemplateAt, volume: Mapping[str, Any]) -> bool:
    """Whether a volume's name, folder or mount says that weights or compiled graphs are kept in it."""
    name = str(volume.get("name"))
    containers = (each.template.raw.get("spec") or {}).get("containers") or ()
    mounts = [
        str(mount.get("mountPath"))
        for container in containers
        for mount in container.get("volumeMounts") or ()
        if mount.get("name") == name
    ]
    folder = str((volume.get("hostPath") or {}).get("path") or "")
    return any(re.search(_CACHE, each) for each in (name, folder, *mounts))
