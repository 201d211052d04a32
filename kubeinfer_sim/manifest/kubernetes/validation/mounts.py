"""Volume mounts and block devices of containers.

Source: pkg/apis/core/validation/validation.go (`ValidateVolumeMounts`, `ValidateVolumeDevices`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.validation.paths import validate_descending_path

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE_READ_ONLY = ("Disabled", "Enabled", "IfPossible")


def validate_volume_mounts(
    container: Mapping[str, Any], volumes: Mapping[str, Mapping[str, Any]], at: Field, errors: Errors
) -> None:
    """The volumeMounts of a container; several errors leave the index out, as the API server does."""
    devices = {d.get("name", ""): d.get("devicePath", "") for d in container.get("volumeDevices", ())}
    device_paths = set(devices.values())
    privileged = container.get("securityContext", {}).get("privileged", False)
    mount_paths: set[str] = set()
    for i, mount in enumerate(container.get("volumeMounts", ())):
        place, unnumbered = at.index(i), at.index(i, "")
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            errors.required(place.child("name"))
        if name not in volumes:
            errors.not_found(place.child("name"), name, "must be the name of one of the pod's volumes")
        if not path:
            errors.required(place.child("mountPath"))
        if path in mount_paths:
            errors.invalid(place.child("mountPath"), path, "must be unique in the container")
        mount_paths.add(path)
        if name in devices:
            errors.invalid(place.child("name"), name, "must not be among volumeDevices too")
        if path in device_paths:
            errors.invalid(place.child("mountPath"), path, "must not be the path of a volume device too")
        sub_path, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
        if sub_path:
            validate_descending_path(sub_path, unnumbered.child("subPath"), errors)
        if expression:
            if sub_path:
                message = "must not be given beside subPath"
                errors.invalid(place.child("subPathExpr"), expression, message)
            validate_descending_path(expression, unnumbered.child("subPathExpr"), errors)
        propagation = mount.get("mountPropagation")
        if propagation is not None:
            propagation_at = unnumbered.child("mountPropagation")
            if propagation not in _PROPAGATIONS:
                errors.not_supported(propagation_at, propagation, _PROPAGATIONS)
            if propagation == "Bidirectional" and not privileged:
                errors.forbidden(propagation_at, "Bidirectional is for privileged containers only")
        _validate_recursive_read_only(mount, unnumbered.child("recursiveReadOnly"), errors)


def _validate_recursive_read_only(mount: Mapping[str, Any], at: Field, errors: Errors) -> None:
    recursive = mount.get("recursiveReadOnly")
    if recursive is None or recursive == "Disabled":
        return
    if recursive not in _RECURSIVE_READ_ONLY:
        errors.not_supported(at, recursive, _RECURSIVE_READ_ONLY)
        return
    if not mount.get("readOnly"):
        errors.forbidden(at, "must only be given when readOnly is true")
    if mount.get("mountPropagation", "None") != "None":
        errors.forbidden(at, "must only be given when mountPropagation is None or not given")


def validate_volume_devices(
    container: Mapping[str, Any], volumes: Mapping[str, Mapping[str, Any]], at: Field, errors: Errors
) -> None:
    """The volumeDevices of a container."""
    mounts = {m.get("name", ""): m.get("mountPath", "") for m in container.get("volumeMounts", ())}
    mount_paths = set(mounts.values())
    names: set[str] = set()
    paths: set[str] = set()
    for i, device in enumerate(container.get("volumeDevices", ())):
        place = at.index(i)
        name, path = device.get("name", ""), device.get("devicePath", "")
        name_at, path_at = place.child("name"), place.child("devicePath")
        volume = volumes.get(name)
        if not name:
            errors.required(name_at)
        if name in names:
            errors.invalid(name_at, name, "must be unique in the container")
        if volume is None:
            errors.not_found(name_at, name, "must be the name of one of the pod's volumes")
        elif "persistentVolumeClaim" not in volume and "ephemeral" not in volume:
            errors.invalid(
                name_at, name, "must be a persistentVolumeClaim or ephemeral volume for block mode"
            )
        if not path:
            errors.required(path_at)
        if path in paths:
            errors.invalid(path_at, path, "must be unique in the container")
        if path and ".." in path.split("/"):
            errors.invalid(path_at, path, "must not contain '..'")
        else:
            paths.add(path)
        if name in mounts:
            errors.invalid(name_at, name, "must not be among volumeMounts too")
        if path in mount_paths:
            errors.invalid(path_at, path, "must not be the path of a volume mount too")
        if name:
            names.add(name)
