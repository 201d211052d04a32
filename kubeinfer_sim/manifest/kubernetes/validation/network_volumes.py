"""Volumes of storage systems: what each needs.

Source: pkg/apis/core/validation/validation.go (`validateISCSIVolumeSource` and the like).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import byte_length, dns1123_label

Source = Mapping[str, Any]

#: Fields that must be given and not empty.
REQUIRED_FIELDS: dict[str, tuple[str, ...]] = {
    "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
    "nfs": ("server", "path"),
    "iscsi": ("targetPortal", "iqn"),
    "glusterfs": ("endpoints", "path"),
    "flocker": (),
    "persistentVolumeClaim": ("claimName",),
    "rbd": ("monitors", "image"),
    "cinder": ("volumeID",),
    "cephfs": ("monitors",),
    "quobyte": ("registry", "volume"),
    "fc": (),
    "flexVolume": ("driver",),
    "azureFile": ("secretName", "shareName"),
    "vsphereVolume": ("volumePath",),
    "photonPersistentDisk": ("pdID",),
    "portworxVolume": ("volumeID",),
    "azureDisk": ("diskName", "diskURI"),
    "storageos": ("volumeName",),
    "scaleIO": ("gateway", "system", "volumeName"),
}
_ISCSI_NAMES = {
    "iqn": partial(re.search, r"(?a)iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)\Z"),
    "eui": partial(re.fullmatch, r"eui.[A-Za-z0-9]{16}"),
    "naa": partial(re.fullmatch, r"naa.[A-Za-z0-9]{32}"),
}
_CACHING_MODES = ("None", "ReadOnly", "ReadWrite")
_DISK_KINDS = ("Dedicated", "Managed", "Shared")


def validate_network_volume(name: str, source: Source, at: Field, errors: Errors) -> None:
    """The source `name` of a volume."""
    for field in REQUIRED_FIELDS[name]:
        if not source.get(field):
            errors.required(at.child(field))
    check = _CHECKS.get(name)
    if check is not None:
        check(source, at, errors)


def _validate_partition(source: Source, at: Field, errors: Errors) -> None:
    partition = source.get("partition", 0)
    if not 0 <= partition <= 255:
        errors.invalid(at.child("partition"), partition, "must be between 1 and 255, inclusive")


def _validate_nfs(source: Source, at: Field, errors: Errors) -> None:
    path = source.get("path", "")
    if not path.startswith("/"):
        errors.invalid(at.child("path"), path, "must be an absolute path")


def _validate_iscsi(source: Source, at: Field, errors: Errors) -> None:
    iqn = source.get("iqn", "")
    if iqn:
        _validate_iscsi_name(iqn, at.child("iqn"), errors)
    lun = source.get("lun", 0)
    if not 0 <= lun <= 255:
        errors.invalid(at.child("lun"), lun, "must be between 0 and 255, inclusive")
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and "secretRef" not in source:
        errors.required(at.child("secretRef"), "is required for CHAP authentication")
    if "initiatorName" in source:
        place = at.child("initiatorName", ".initiatorname")
        _validate_iscsi_name(source["initiatorName"], place, errors)


def _validate_iscsi_name(name: str, at: Field, errors: Errors) -> None:
    check = _ISCSI_NAMES.get(name[:3])
    if check is None:
        errors.invalid(at, name, "must begin with iqn, eui or naa")
    elif check(name) is None:
        errors.invalid(at, name, f"must be a valid {name[:3]} name")


def _validate_flocker(source: Source, at: Field, errors: Errors) -> None:
    name, uuid = source.get("datasetName", ""), source.get("datasetUUID", "")
    if not name and not uuid:
        errors.required(at, "needs datasetName or datasetUUID")
    if name and uuid:
        errors.invalid(at, None, "must not have both datasetName and datasetUUID")
    if "/" in name:
        errors.invalid(at.child("datasetName"), name, "must not contain '/'")


def _validate_secret_name(source: Source, at: Field, errors: Errors) -> None:
    if "secretRef" in source and not source["secretRef"].get("name"):
        errors.required(at.down("secretRef", "name"))


def _validate_quobyte(source: Source, at: Field, errors: Errors) -> None:
    registry = source.get("registry", "")
    if not registry:
        return
    if byte_length(source.get("tenant", "")) >= 65:
        errors.required(at.child("tenant"), "must be a UUID of at most 64 characters")
        return
    for pair in registry.split(","):
        if not _is_host_port(pair):
            errors.invalid(at.child("registry"), registry, "must be host:port pairs separated by commas")


def _is_host_port(text: str) -> bool:
    """Whether Go's net.SplitHostPort takes a text: `host:port` or `[host]:port`."""
    host, colon, port = text.rpartition(":")
    if not colon or "[" in port or "]" in port:
        return False
    if host.startswith("["):
        return host.endswith("]") and not set("[]") & set(host[1:-1])
    return not set(":[]") & set(host)


def _validate_fc(source: Source, at: Field, errors: Errors) -> None:
    names, ids = source.get("targetWWNs", ()), source.get("wwids", ())
    if not names and not ids:
        errors.required(at.child("targetWWNs"), "needs targetWWNs or wwids, but not both")
    if names and ids:
        errors.invalid(at.child("targetWWNs"), None, "must not be given beside wwids")
    if names:
        lun = source.get("lun")
        if lun is None:
            errors.required(at.child("lun"), "is required beside targetWWNs")
        elif not 0 <= lun <= 255:
            errors.invalid(at.child("lun"), lun, "must be between 0 and 255, inclusive")


def _validate_flex(source: Source, at: Field, errors: Errors) -> None:
    for key in source.get("options", ()):
        domain = f".{key.partition('/')[0].lower()}"
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            errors.invalid(at.child("options").key(key), key, "must not use kubernetes.io or k8s.io")


def _validate_azure_disk(source: Source, at: Field, errors: Errors) -> None:
    caching, kind, uri = source.get("cachingMode"), source.get("kind"), source.get("diskURI", "")
    if caching is not None and caching not in _CACHING_MODES:
        errors.not_supported(at.child("cachingMode"), caching, _CACHING_MODES)
    if kind is not None and kind not in _DISK_KINDS:
        errors.not_supported(at.child("kind"), kind, _DISK_KINDS)
    if kind is not None:
        start = "/subscriptions/" if kind == "Managed" else "https://"
        if not uri.startswith(start):
            errors.not_supported(at.child("diskURI"), uri, (f"{start}…",))


def _validate_storageos(source: Source, at: Field, errors: Errors) -> None:
    for name in ("volumeName", "volumeNamespace"):
        if source.get(name):
            errors.check(at.child(name), source[name], dns1123_label(source[name]))
    _validate_secret_name(source, at, errors)


_CHECKS: dict[str, Callable[[Source, Field, Errors], None]] = {
    "gcePersistentDisk": _validate_partition,
    "awsElasticBlockStore": _validate_partition,
    "nfs": _validate_nfs,
    "iscsi": _validate_iscsi,
    "flocker": _validate_flocker,
    "cinder": _validate_secret_name,
    "quobyte": _validate_quobyte,
    "fc": _validate_fc,
    "flexVolume": _validate_flex,
    "azureDisk": _validate_azure_disk,
    "storageos": _validate_storageos,
}
