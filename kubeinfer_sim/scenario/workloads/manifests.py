"""The versions of the objects a scenario speaks of: its manifest, other manifests, patches, new revisions."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity, format_path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.autoscalers import KINDS as AUTOSCALERS
from kubeinfer_sim.manifest.autoscalers import autoscaled
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.kubernetes_findings import INVALID_IMAGE_NAME
from kubeinfer_sim.manifest.load import Manifests as LoadedManifest
from kubeinfer_sim.manifest.load import OtherObject, load_manifest
from kubeinfer_sim.manifest.model import KubeInfer, PlainWorkload, WorkloadSpec
from kubeinfer_sim.manifest.names_apart import NamesApart
from kubeinfer_sim.manifest.references import ASSUMED_CLASS
from kubeinfer_sim.manifest.register.check import CODE as NOT_SIMULATED
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.template import FILL, holes_of
from kubeinfer_sim.scenario.context import Context

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.apply_form import ApplyForm
    from kubeinfer_sim.scenario.actions.manifest_form import ManifestForm

#: Pods of one object that are simulated at most: a few minutes' work.
MAX_PODS = 1_000_000
#: Warnings of objects given as data.
_TOLD_OF_DATA = (NOT_SIMULATED, INVALID_IMAGE_NAME, ASSUMED_CLASS)
#: What a new revision of the same manifest differs in; `kubectl rollout restart` has restartedAt for it.
REVISION_ANNOTATION = "kubeinfer-sim/revision"


class Loaded(Struct, frozen=True):
    """The workloads of one manifest, KubeInfers first.

    Attributes:
        others: what else it holds.
    """

    workloads: tuple[WorkloadSpec, ...]
    label: str = ""
    others: tuple[OtherObject, ...] = ()

    @property
    def kubeinfers(self) -> list[KubeInfer]:
        """The KubeInfers among them."""
        return [each for each in self.workloads if isinstance(each, KubeInfer)]

    @property
    def plain(self) -> list[PlainWorkload]:
        """The others."""
        return [each for each in self.workloads if not isinstance(each, KubeInfer)]


class Manifests(Struct):
    """Reads the manifests of one scenario.

    Attributes:
        values: values from the command line, over those the scenario gives its own manifest.
        may_be_empty: the scenario's own manifest need not hold a workload: some are created while it runs.
        warnings: what is legal in the manifests but will surprise.
        written: what owns pods as files and the scenario have it, each with its document.
        others: objects of other kinds beside the KubeInfers, by kind, namespace and name; the first of a name counts.
        names: how workloads of one name in several namespaces are told apart.
        since: those of them that actions so far have created or changed, None where they have deleted one.
    """

    context: Context
    form: ManifestForm
    values: Mapping[str, Any] = field(default_factory=dict)
    may_be_empty: bool = False
    warnings: list[Diagnostic] = field(default_factory=list)
    written: list[tuple[WorkloadSpec, Document]] = field(default_factory=list)
    others: dict[tuple[str, str, str], OtherObject] = field(default_factory=dict)
    since: dict[tuple[str, str, str], OtherObject | None] = field(default_factory=dict)
    names: NamesApart = field(default_factory=NamesApart)

    def initial(self) -> Loaded | None:
        """The scenario's own manifest; None when it is wrong, which is noted."""
        path = ("spec", "manifest")
        values = self._values(self.form.set, self.form.set_file, path)
        return self._load(self.form.path, self.form.inline, {**values, **self.values}, self.form.name, path)

    def read(self, form: ApplyForm, path: Path, names: Collection[str]) -> Loaded | None:
        """A manifest that is applied, of another file or with other values; of several KubeInfers those named."""
        values = self._values(form.set or {}, form.set_file or {}, path)
        settings = ", ".join(f"{name}={value}" for name, value in (form.set or {}).items())
        if form.path is None and form.inline is None:
            base = self._values(self.form.set, self.form.set_file, ("spec", "manifest"))
            values = {**base, **self.values, **values}
            loaded = self._load(self.form.path, self.form.inline, values, self.form.name, path, names)
            label = settings or "the scenario's manifest"
        else:
            loaded = self._load(form.path, form.inline, values, form.name, path, names)
            label = " ".join(filter(None, (form.path or "inline manifest", settings)))
        return None if loaded is None else replace(loaded, label=label)

    def _values(self, values: Mapping[str, Any], files: Mapping[str, str], path: Path) -> dict[str, Any]:
        merged = dict(values)
        for name, file in files.items():
            here = (*path, "setFile", name)
            if name in values:
                self.context.error(here, "is given in set as well", key=True)
            source = self.context.read(file, here)
            if source is not None:
                merged[name] = source.text.removesuffix("\n").removesuffix("\r")
        return merged

    def _load(
        self,
        file: str | None,
        inline: Any,
        values: Mapping[str, Any],
        name: str | None,
        path: Path,
        names: Collection[str] | None = None,
    ) -> Loaded | None:
        """What is meant, from a file or from the scenario itself; with `names`, of several KubeInfers those."""
        written = self._written(path)
        if file is None:
            own = isinstance(written, dict) and "inline" in written
            return self.reload(inline, path, (*path, "inline") if own else path, values, first=names is None)
        own = isinstance(written, dict) and "path" in written
        source = self.context.read(file, (*path, "path") if own else path)
        if source is None:
            return None
        try:
            manifests = load_manifest(
                [source], set_values=values, only=name, of_any_kind=self.may_be_empty and names is None
            )
        except InputError as error:
            self.context.errors.extend(self._with_origin(each, values, path) for each in error.diagnostics)
            return None
        self.warnings.extend(each for each in manifests.diagnostics if each.severity is Severity.WARNING)
        self._beside(manifests.others)
        manifests = self._named(manifests, new=names is None)
        kubeinfers = manifests.kubeinfers
        self.written += manifests.written
        if names is not None and len(kubeinfers) > 1:
            kubeinfers = tuple(each for each in kubeinfers if each.name in names)
        if kubeinfers or not manifests.kubeinfers:
            plain = map(self.autoscaled, manifests.plain)
            return self._sized(Loaded((*kubeinfers, *plain), others=manifests.others), path)
        known = ", ".join(each.name for each in manifests.kubeinfers)
        self.context.error(path, f"{file} holds several KubeInfers: say which by `name` (there are: {known})")
        return None

    def _with_origin(self, diagnostic: Diagnostic, values: Mapping[str, Any], path: Path) -> Diagnostic:
        """A finding in a manifest whose holes are filled at a path of the scenario, with where the value is from.

        What is wrong with a value as such (`--set NAME`, to the loader) is placed where the scenario gives it.
        """
        option, _, name = diagnostic.file.partition(" ")
        if option == "--set":
            place = self._origin(name, path)
            return (
                diagnostic
                if place is None
                else self.context.document.diagnostic(
                    place,
                    diagnostic.message,
                    code=diagnostic.code,
                    hint=diagnostic.hint,
                    key=diagnostic.code == "unknown-value",
                )
            )
        if diagnostic.code == "open-hole":
            line, _ = self.context.document.position(path)
            here = f"{self.context.document.source.name}:{line} ({format_path(path)})"
            return replace(
                diagnostic, hint=diagnostic.hint.replace(FILL, f"give values under `set` in {here}")
            )
        hints = [diagnostic.hint] if diagnostic.hint else []
        for name in holes_of(diagnostic.text):
            place = self._origin(name, path) if name in values else None
            if place is not None:
                line, column = self.context.document.position(place)
                where = f"{self.context.document.source.name}:{line}:{column}"
                hints.append(f"${{{name}}} is filled by {where}: {format_path(place)}")
        return replace(diagnostic, hint="; ".join(hints))

    def _origin(self, name: str, path: Path) -> Path | None:
        """Where the scenario gives a hole its value; None when the command line does, or nobody."""
        for at in dict.fromkeys((path, ("spec", "manifest"))):
            written = self._written(at)
            for key in ("set", "setFile"):
                if isinstance(written, dict) and name in (written.get(key) or {}):
                    return None if name in self.values and at == ("spec", "manifest") else (*at, key, name)
        return None

    def _written(self, path: Path) -> Any:
        """What the user wrote at a path."""
        value = self.context.document.value
        for step in path:
            value = value[step]
        return value

    def reload(
        self,
        value: Any,
        path: Path,
        positions: Path,
        values: Mapping[str, Any] | None = None,
        *,
        first: bool = False,
    ) -> Loaded | None:
        """An object from data; findings are placed where the scenario wrote the part they are about."""
        manifests = self._from_data(value, path, positions, values)
        if manifests is None:
            return None
        manifests = self._named(manifests, new=first)
        if positions:  # none of its own has a patched one
            home, place = self.context.document.home(positions)
            for workload, document in manifests.written:
                here = replace(document, parts={(): (home, place)}) if place else home
                self.written.append((workload, here))
        self._beside(manifests.others)
        plain = map(self.autoscaled, manifests.plain)
        return self._sized(Loaded((*manifests.kubeinfers, *plain), others=manifests.others), path)

    def _named(self, loaded: LoadedManifest, *, new: bool) -> LoadedManifest:
        """The same with each workload by the name it goes by; `new`: they were not there before."""
        if new:
            self.names.note(loaded.workloads)
        return replace(
            loaded,
            kubeinfers=tuple(map(self.names.named, loaded.kubeinfers)),
            plain=tuple(map(self.names.named, loaded.plain)),
        )

    def autoscaled(self, workload: PlainWorkload) -> PlainWorkload:
        """The workload with the replicas that an autoscaler keeps which is there after the actions so far."""
        there = {**self.others, **self.since}.values()
        return autoscaled(
            workload, [(each.document.value, each.namespace) for each in there if each is not None]
        )

    def _beside(self, others: Sequence[OtherObject]) -> None:
        """Objects that a manifest holds beside workloads."""
        for each in others:
            key = (each.kind, each.namespace, each.name)
            self.others.setdefault(key, each)
            if each.kind in AUTOSCALERS:
                self.since[key] = each

    def created(self, value: str | Mapping[str, Any], path: Path) -> LoadedManifest | None:
        """Objects of any kind that somebody creates: a file, or one as data; None when it is wrong, which is noted."""
        if not isinstance(value, str):
            loaded = self._from_data(value, path, path, of_any_kind=True)
        else:
            source = self.context.read(value, path)
            if source is None:
                return None
            values = {**self._values(self.form.set, self.form.set_file, ("spec", "manifest")), **self.values}
            try:
                loaded = load_manifest([source], set_values=values, all_values_used=False, of_any_kind=True)
            except InputError as error:
                self.context.errors.extend(
                    self._with_origin(each, values, path) for each in error.diagnostics
                )
                return None
            self.warnings.extend(each for each in loaded.diagnostics if each.severity is Severity.WARNING)
        if loaded is None:
            return None
        for each in loaded.workloads:
            if message := too_many_pods(each):
                self.context.error(path, message)
        return self._named(loaded, new=True)

    def _from_data(
        self,
        value: Any,
        path: Path,
        positions: Path,
        values: Mapping[str, Any] | None = None,
        *,
        of_any_kind: bool = False,
    ) -> LoadedManifest | None:
        document = self.context.document
        home, _ = document.home(path)
        text = SourceText(home.source.name, to_yaml(value))
        try:
            manifests = load_manifest([text], set_values=values, of_any_kind=of_any_kind)
        except InputError as error:
            for each in error.diagnostics:
                where = (*positions, *each.path) if positions else path
                self.context.errors.append(
                    document.diagnostic(
                        where, each.message, code=each.code, severity=each.severity, hint=each.hint
                    )
                )
            return None
        # A patch or a new revision repeats what the manifest has been told of.
        told = {each.message for each in self.warnings}
        for each in manifests.diagnostics:
            if each.code in _TOLD_OF_DATA and each.message not in told:
                where = (*positions, *each.path) if positions else path
                self.warnings.append(
                    document.diagnostic(where, each.message, code=each.code, severity=each.severity)
                )
        # What more is found wrong in other objects stands where the scenario wrote them, or the patch.
        placed = (self._placed(each, value, positions or path) for each in manifests.others)
        return replace(manifests, others=tuple(placed))

    def _placed(self, written: OtherObject, value: Any, path: Path) -> OtherObject:
        """One that was read from data at a path, which may be a List of several, with that as its place."""
        items = value.get("items") if isinstance(value, Mapping) and value.get("kind") == "List" else None
        if isinstance(items, list) and written.document.value in items:
            path = (*path, "items", items.index(written.document.value))
        parts: dict[Path, tuple[Document, Path]] = {(): (self.context.document, path)}
        return replace(written, document=replace(written.document, parts=parts))

    def _sized(self, loaded: Loaded, path: Path) -> Loaded | None:
        """What was loaded; None, which is noted, when it is more than can be simulated."""
        too_large = [message for each in loaded.workloads if (message := too_many_pods(each))]
        for message in too_large:
            self.context.error(path, message)
        return None if too_large else loaded


def too_many_pods(workload: WorkloadSpec) -> str:
    """Why the object cannot be simulated; nothing when it can."""
    of_one = sum(role.replicas for role in workload.roles) if isinstance(workload, KubeInfer) else 1
    pods = workload.replicas * of_one
    if pods <= MAX_PODS:
        return ""
    return f"{workload.name} has {pods:,} pods, more than the {MAX_PODS:,} that are simulated: fewer replicas"


def merge_patch(target: Any, patch: Any) -> Any:
    """The target patched as RFC 7386 says: null removes, mappings merge, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def new_revision(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The same KubeInfer as written, every role's pod template with an annotation counted up by one."""
    roles = [
        merge_patch(role, {"template": {"metadata": {"annotations": {REVISION_ANNOTATION: _next(role)}}}})
        for role in raw["spec"]["template"]["spec"]["roles"]
    ]
    changed: dict[str, Any] = merge_patch(raw, {"spec": {"template": {"spec": {"roles": roles}}}})
    return changed


def new_revision_of_template(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that gives a Deployment's pod template an annotation counted up by one."""
    annotations = {REVISION_ANNOTATION: _next(raw["spec"])}
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


def _next(owner: Mapping[str, Any]) -> str:
    metadata = owner["template"].get("metadata") or {}
    before = (metadata.get("annotations") or {}).get(REVISION_ANNOTATION, "1")
    return str(int(before) + 1) if before.isdecimal() else before + "+"


def to_yaml(value: Any) -> str:
    """Data as text that reads back to the same data: JSON, which YAML holds, its odd characters escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda each: f"\\u{ord(each[0]):04x}", text)
