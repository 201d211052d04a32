"""Volumes of a pod.

Source: pkg/apis/core/validation/validation.go (`ValidateVolumes`, `validateVolumeSource` and below).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import byte_length, dns1123_label, dns1123_subdomain
from kubeinfer_sim.manifest.kubernetes.validation.paths import (
    validate_descending_path,
    validate_mode,
    validate_no_backsteps,
)

Source = Mapping[str, Any]

#: In the order in which the API server looks: of several sources the first counts.
VOLUME_SOURCES = (
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
)
#: Where a second source is reported under another name, as spelled in the API server.
_SPELLED = {"cephfs": ".cephFS", "downwardAPI": ".downwarAPI"}
_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)


def validate_volumes(volumes: Sequence[Source], at: Field, errors: Errors) -> dict[str, Source]:
    """The volumes of a pod; returns those without errors by name, which are the ones that can be mounted."""
    good: dict[str, Source] = {}
    for i, volume in enumerate(volumes):
        place = at.index(i)
        before = len(errors.found)
        _validate_source(volume, place, errors)
        name = volume.get("name", "")
        if not name:
            errors.required(place.child("name"))
        else:
            errors.check(place.child("name"), name, dns1123_label(name))
        if name in good:
            errors.duplicate(place.child("name"), name)
        if len(errors.found) == before:
            good[name] = volume
    return good


def _validate_source(volume: Source, at: Field, errors: Errors) -> None:
    given = [name for name in VOLUME_SOURCES if name in volume]
    if not given:
        errors.required(at, "needs a volume source")
        return
    for name in given[1:]:
        place = at.child(name, _SPELLED.get(name))
        errors.forbidden(place, f"must not be given beside {given[0]}: one source at most")
    name = given[0]
    place = at.child(name, ".persistentDisk" if name == "gcePersistentDisk" else None)
    check = _CHECKS.get(name)
    if check is not None:
        check(volume[name], place, errors)
    else:
        _validate_network_volume(name, volume[name], place, errors)
    iscsi = volume.get("iscsi")
    if iscsi is not None and "initiatorName" in iscsi:
        own_name = volume.get("name", "")
        if byte_length(f"{own_name}:{iscsi.get('targetPortal', '')}") > 64:
            message = "must have at most 64 characters together with ':' and iscsi.targetPortal"
            errors.invalid(at.child("name"), own_name, message)


def _validate_network_volume(name: str, source: Source, at: Field, errors: Errors) -> None:
    from kubeinfer_sim.manifest.kubernetes.validation.network_volumes import validate_network_volume

    validate_network_volume(name, source, at, errors)


def _validate_empty_dir(source: Source, at: Field, errors: Errors) -> None:
    limit = source.get("sizeLimit")
    if limit is not None and limit.sign < 0:
        errors.forbidden(at.child("sizeLimit"), f"must be greater than or equal to 0, got {limit}")


def _validate_host_path(source: Source, at: Field, errors: Errors) -> None:
    path = source.get("path", "")
    if not path:
        errors.required(at.child("path"))
        return
    validate_no_backsteps(path, at.child("path"), errors)
    kind = source.get("type")
    if kind is not None and kind not in _HOST_PATH_TYPES:
        errors.not_supported(at.child("type"), kind, _HOST_PATH_TYPES)


def _validate_git_repo(source: Source, at: Field, errors: Errors) -> None:
    if not source.get("repository"):
        errors.required(at.child("repository"))
    validate_descending_path(source.get("directory", ""), at.child("directory"), errors)


def _validate_items(name_field: str) -> Callable[[Source, Field, Errors], None]:
    """The check of a volume made of keys of a Secret or ConfigMap, named by `name_field`."""

    def check(source: Source, at: Field, errors: Errors) -> None:
        from kubeinfer_sim.manifest.kubernetes.validation.projections import validate_key_to_path

        if not source.get(name_field):
            errors.required(at.child(name_field))
        validate_mode(source.get("defaultMode"), at.child("defaultMode"), errors)
        for i, item in enumerate(source.get("items", ())):
            validate_key_to_path(item, at.child("items").index(i), errors)

    return check


def _validate_downward_api(source: Source, at: Field, errors: Errors) -> None:
    from kubeinfer_sim.manifest.kubernetes.validation.projections import validate_downward_api_file

    validate_mode(source.get("defaultMode"), at.child("defaultMode"), errors)
    for i, item in enumerate(source.get("items", ())):
        validate_downward_api_file(item, Field(at.child("items", ""), i, ""), errors)


def _validate_projected(source: Source, at: Field, errors: Errors) -> None:
    from kubeinfer_sim.manifest.kubernetes.validation.projections import validate_projected

    validate_projected(source, at, errors)


def _validate_csi(source: Source, at: Field, errors: Errors) -> None:
    driver = source.get("driver", "")
    driver_at = at.child("driver")
    if not driver:
        errors.required(driver_at)
    else:
        if byte_length(driver) > 63:
            errors.too_long(driver_at, 63)
        errors.check(driver_at, driver, dns1123_subdomain(driver.lower()))
    secret = source.get("nodePublishSecretRef")
    if secret is not None:
        name = secret.get("name", "")
        if not name:
            errors.required(at.down("nodePublishSecretRef", "name"))
        else:
            place = Field(at.child("nodePublishSecretRef", ""), "name")
            errors.check(place, name, dns1123_subdomain(name))


def _validate_ephemeral(source: Source, at: Field, errors: Errors) -> None:
    from kubeinfer_sim.manifest.kubernetes.validation.claims import validate_claim_template

    template = source.get("volumeClaimTemplate")
    if template is None:
        errors.required(at.child("volumeClaimTemplate"))
    else:
        validate_claim_template(template, at.child("volumeClaimTemplate"), errors)


def _validate_image(source: Source, at: Field, errors: Errors) -> None:
    policy = source.get("pullPolicy", "")
    errors.choice(at.child("pullPolicy"), policy, ("Always", "IfNotPresent", "Never"))


_CHECKS: dict[str, Callable[[Source, Field, Errors], None]] = {
    "emptyDir": _validate_empty_dir,
    "hostPath": _validate_host_path,
    "gitRepo": _validate_git_repo,
    "secret": _validate_items("secretName"),
    "configMap": _validate_items("name"),
    "downwardAPI": _validate_downward_api,
    "projected": _validate_projected,
    "csi": _validate_csi,
    "ephemeral": _validate_ephemeral,
    "image": _validate_image,
}
