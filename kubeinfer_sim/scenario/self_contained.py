"""A scenario with everything that it names from other files written in it, so that it can be sent and kept alone.

What has no spelling of its own in a scenario stays a file, named with its whole path: what kubectl wrote of a real
cluster, and a load in CSV.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Unpack

from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.file_kinds import only_document
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.actions.manifest_form import ManifestForm
from kubeinfer_sim.scenario.cluster.forms import ClusterForm
from kubeinfer_sim.scenario.cluster.kubectl.listing import MAX_KUBECTL_BYTES, is_from_kubectl
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.load import Overrides, read_given
from kubeinfer_sim.scenario.recovery.forms import RecoveryForm
from kubeinfer_sim.scenario.timings.compile import measured_values
from kubeinfer_sim.scenario.timings.forms import EmpiricalForm
from kubeinfer_sim.scenario.workloads.manifests import to_yaml

#: A mapping of a YAML document.
Raw = dict[str, Any]


def self_contained(
    document: Document,
    *,
    set_values: Mapping[str, Any] | None = None,
    typed: frozenset[str] = frozenset(),
) -> Raw:
    """A scenario's document with what other files hold in place of their names, holes filled.

    Args:
        document: of a scenario that can be read (`load_scenario`).
        set_values: values for its own manifest, over those it gives.
        typed: paths that come from the command line, and so start at the working directory.

    Raises:
        InputError: one of the files cannot be read.
    """
    return _Writer(Context(document, typed=typed), dict(set_values or {})).written()


def whole_scenario(
    source: str | SourceText, *, set_values: Mapping[str, Any] | None = None, **overrides: Unpack[Overrides]
) -> Raw:
    """The document of the scenario that `load_scenario` makes of the same arguments, with all that it is made of.

    Raises:
        InputError: a file cannot be read.
        UsageError: a wrong override.
    """
    given = read_given(source, **overrides)
    value = given.document.value
    document = replace(given.document, value={**value, "spec": {**value["spec"], **given.written}})
    return self_contained(document, set_values=set_values, typed=given.typed)


class _Writer:
    """Writes one scenario anew.

    Args:
        context: its document.
        values: for the holes of its own manifest.
    """

    def __init__(self, context: Context, values: Raw) -> None:
        self._context = context
        self._values = values
        self._spec: Raw = copy.deepcopy(context.document.value["spec"])
        self._manifest: Raw = ManifestForm.expand(self._spec["manifest"])

    def written(self) -> Raw:
        """The whole document."""
        spec = self._spec
        base = {**self._own_values(self._manifest, ("spec", "manifest")), **self._values}
        spec["manifest"] = self._objects(self._manifest, base, ("spec", "manifest"))
        if "update" in spec:
            spec["update"] = self._applied(spec["update"], base, ("spec", "update"))
        for place, action in enumerate(spec.get("actions") or ()):
            path: Path = ("spec", "actions", place)
            if "apply" in action:
                action["apply"] = self._applied(action["apply"], base, (*path, "apply"))
            if isinstance(action.get("create"), str):
                source = self._read(action["create"], (*path, "create"))
                loaded = load_manifest([source], set_values=base, all_values_used=False, of_any_kind=True)
                action["create"] = list(loaded.objects)
        if "cluster" in spec:
            spec["cluster"] = self._cluster(spec["cluster"])
        if isinstance(spec.get("timings"), dict):
            self._timings(spec["timings"])
        if "recovery" in spec:
            spec["recovery"] = self._recovery(spec["recovery"])
        if isinstance(spec.get("load"), dict) and "csv" in spec["load"]:
            csv, here = spec["load"]["csv"], ("spec", "load", "csv")
            spec["load"]["csv"] = (
                self._whole(csv, here)
                if isinstance(csv, str)
                else {**csv, "file": self._whole(csv["file"], here)}
            )
        for field in ("timings", "traffic", "faults", "actions"):
            self._measured(spec.get(field), ("spec", field))
        return {**self._context.document.value, "spec": spec}

    # -- manifests -------------------------------------------------------------------------------------------

    def _own_values(self, form: Raw, path: Path) -> Raw:
        """The values that a manifest is given where it is named."""
        files = form.get("setFile") or {}
        texts = {name: self._read(file, (*path, "setFile", name)).text for name, file in files.items()}
        return {
            **(form.get("set") or {}),
            **{name: text.removesuffix("\n").removesuffix("\r") for name, text in texts.items()},
        }

    def _objects(self, form: Raw, values: Raw, path: Path) -> Any:
        """The objects of a manifest: the only one, or a List of several."""
        if "path" in form:
            own = isinstance(self._at(path), dict)
            source = self._read(form["path"], (*path, "path") if own else path)
        else:
            source = SourceText(self._context.document.source.name, to_yaml(form["inline"]))
        # A file whose workloads are created later has none yet, and no scenario could say so in place.
        loaded = load_manifest([source], set_values=values, only=form.get("name"), of_any_kind=True)
        if not loaded.workloads and "path" in form:
            return {**form, "path": self._whole(form["path"], path)}
        if len(loaded.objects) == 1:
            return dict(loaded.objects[0])
        return {"apiVersion": "v1", "kind": "List", "items": list(loaded.objects)}

    def _applied(self, value: Any, base: Raw, path: Path) -> Any:
        """Another version: in place if it is a manifest, or the scenario's own with other values."""
        form = ManifestForm.expand(value)
        if form.keys() & {"patch", "newRevision"}:
            return value
        values = self._own_values(form, path)
        if form.keys() & {"path", "inline"}:
            return self._objects(form, values, path)
        return self._objects(self._manifest, {**base, **values}, ("spec", "manifest"))

    # -- other files -----------------------------------------------------------------------------------------

    def _cluster(self, value: Any) -> Any:
        form = ClusterForm.expand(value)
        here: Path = ("spec", "cluster")
        if "path" in form:
            where = (*here, "path") if isinstance(value, dict) else here
            source = self._read(form["path"], where, MAX_KUBECTL_BYTES)
            if is_from_kubectl(source):
                return {"file": str(FilePath(source.name).resolve())}
            inner = Context(only_document(source, "Cluster"))
            form, here, context = dict(inner.document.value["spec"]), ("spec",), inner
        else:
            form, context = dict(form), self._context
        for key in form.keys() & {"file", "pods"}:
            form[key] = _resolved(context, form[key], (*here, key))
        return form if form.keys() - {"nodes"} else form["nodes"]

    def _timings(self, timings: Raw) -> None:
        """Stages of a file, under those that are written here: of all roles these go before the file's for one."""
        if (file := timings.pop("file", None)) is None:
            return
        inner = Context(only_document(self._read(file, ("spec", "timings", "file")), "Timings"))
        learned: Raw = copy.deepcopy(inner.document.value["spec"])
        _in_place(learned, inner, ("spec",))
        of_roles = learned.pop("roles", {})
        common = {key: value for key, value in timings.items() if key not in ("profile", "roles", "images")}
        timings.update({**learned, **common})
        known = set(_role_names(self._spec))
        roles = dict(timings.get("roles") or {})
        for name in known & of_roles.keys():
            stages = {key: value for key, value in of_roles[name].items() if key not in common}
            roles[name] = {**stages, **(roles.get(name) or {})}
        if roles:
            timings["roles"] = roles

    def _recovery(self, value: Any) -> Any:
        form = RecoveryForm.expand(value)
        if "path" not in form:
            return value
        where: Path = ("spec", "recovery", "path") if isinstance(value, dict) else ("spec", "recovery")
        document = only_document(self._read(form["path"], where), "Recovery")
        return {"rules": document.value["spec"]["rules"]}

    def _measured(self, value: Any, path: Path) -> None:
        _in_place(value, self._context, path)

    # -- reading ---------------------------------------------------------------------------------------------

    def _at(self, path: Path) -> Any:
        """What the user wrote at a path."""
        value = self._context.document.value
        for step in path:
            value = value[step]
        return value

    def _read(self, file: str, path: Path, limit: int | None = None) -> SourceText:
        """A file that is named at a path.

        Raises:
            InputError: it cannot be read.
        """
        source = self._context.read(file, path) if limit is None else self._context.read(file, path, limit)
        if source is None:
            raise InputError(self._context.errors)
        return source

    def _whole(self, file: str, path: Path) -> str:
        return _resolved(self._context, file, path)


def _resolved(context: Context, file: str, path: Path) -> str:
    """The whole path of a file that is named at a path."""
    return str(FilePath(context.locate(file, path)).resolve())


def _in_place(value: Any, context: Context, path: Path) -> None:
    """Write measured values in place of the CSV files that hold them, wherever a distribution names one."""
    if isinstance(value, list):
        for place, each in enumerate(value):
            _in_place(each, context, (*path, place))
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        if key == "empirical" and isinstance(each, dict) and "csv" in each:
            values = measured_values(EmpiricalForm.model_validate(each), context, (*path, key))
            if values is None:
                raise InputError(context.errors)
            rest = {name: kept for name, kept in each.items() if name not in ("csv", "column", "unit")}
            value[key] = {"values": [f"{length}ms" for length in values], **rest}
        else:
            _in_place(each, context, (*path, key))


def _role_names(spec: Raw) -> Iterator[str]:
    """Of all versions of all workloads: the roles of a KubeInfer, the names of the others."""
    later = [each.get("apply") for each in spec.get("actions") or ()]
    made = [each.get("create") for each in spec.get("actions") or ()]
    for value in (spec["manifest"], spec.get("update"), *later, *made):
        for each in _each_object(value):
            inner = (each.get("spec") or {}).get("template") or {}
            roles = (inner.get("spec") or {}).get("roles") if each["kind"] == "KubeInfer" else None
            names = [role["name"] for role in roles or ()] or [(each.get("metadata") or {}).get("name")]
            yield from (name for name in names if isinstance(name, str))


def _each_object(value: Any) -> Iterator[Raw]:
    """The objects in place: one, those of a List, several."""
    if isinstance(value, list):
        for each in value:
            yield from _each_object(each)
    elif isinstance(value, dict) and "kind" in value:
        if value["kind"] == "List":
            yield from _each_object(value.get("items"))
        else:
            yield value
