"""Pod templates, and Pods without one, as the API server of 1.36 takes them."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field, Root
from kubeinfer_sim.manifest.kubernetes.pod import make_pod
from kubeinfer_sim.manifest.kubernetes.pod_warnings import warn_about_pod_template
from kubeinfer_sim.manifest.kubernetes.reading import Reading, read
from kubeinfer_sim.manifest.kubernetes.validation import pods
from kubeinfer_sim.manifest.kubernetes.validation.hosts import CONTAINER_LISTS
from kubeinfer_sim.manifest.kubernetes.validation.pod_objects import validate_pod


def read_pod_template(value: Any, path: Path = ()) -> Reading:
    """Read a PodTemplateSpec that stands at `path` in a document; errors are worded from its own root."""
    return read(
        value,
        "PodTemplateSpec",
        Root(path),
        prepare=_drop_disabled,
        validate=pods.validate_pod_template,
        warn=warn_about_pod_template,
    )


def read_pod(value: Any, path: Path = ()) -> Reading:
    """Read the metadata and the spec of a Pod, which may have any restart policy and a deadline."""
    return read(
        value,
        "PodTemplateSpec",
        Root(path),
        prepare=_drop_disabled,
        validate=validate_made_pod,
        warn=warn_about_pod_template,
    )


def validate_made_pod(template: dict[str, Any], at: Field, errors: Errors) -> None:
    """Everything the API server would refuse in the Pod that is made from this."""
    validate_pod(make_pod(template), at, errors)


def _drop_disabled(template: dict[str, Any]) -> None:
    """Remove fields of features that are off in 1.36, in silence as the API server does (pkg/api/pod/util.go).

    ContainerStopSignals, ClusterTrustBundleProjection, PodCertificateRequest, GenericWorkload.
    """
    spec = template["spec"]
    for name in CONTAINER_LISTS:
        for container in spec.get(name, ()):
            container.get("lifecycle", {}).pop("stopSignal", None)
    for volume in spec.get("volumes", ()):
        for source in volume.get("projected", {}).get("sources", ()):
            source.pop("clusterTrustBundle", None)
            source.pop("podCertificate", None)
    spec.pop("schedulingGroup", None)
