"""ConfigMaps, Secrets, claims, PriorityClasses and RuntimeClasses that pods name and that are not there at first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.references import needs
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.cluster import priority_classes
from kubeinfer_sim.scenario.cluster.model import ObjectKey
from kubeinfer_sim.scenario.context import Context

#: Their namespace, as objects that have none are read.
_NO_NAMESPACE = "default"


def compile_absent(
    names: Sequence[str], created: Collection[ObjectKey], versions: Sequence[KubeInfer], context: Context
) -> frozenset[ObjectKey]:
    """Keys of what is not there at time 0.

    Args:
        names: what the scenario says; one that no pod needs is an error, which is noted.
        created: what somebody creates while it runs; it is not there before.
        versions: whatever has pods.
        context: notes errors.
    """
    needed = dict.fromkeys(_needed(versions))
    absent = {key for key in created if key in needed}
    known = list(dict.fromkeys(f"{kind}/{name}" for kind, _, name in needed))
    for index, text in enumerate(names):
        kind, _, name = text.partition("/")
        keys = [key for key in needed if (key[0], key[2]) == (kind, name)]
        if keys:
            absent.update(keys)
        else:
            path: Path = ("spec", "absent", index)
            there = f"they need: {', '.join(known)}" if known else "they need none"
            context.error(path, f"no pod needs {text!r}{did_you_mean(text, known)} ({there})")
    return frozenset(absent)


def _needed(versions: Sequence[KubeInfer]) -> Iterator[ObjectKey]:
    for version in versions:
        for role in version.roles:
            for each in needs(role.template).all:
                yield each.kind, version.namespace, each.name
            if role.template.priority_class_name:
                yield priority_classes.KIND, _NO_NAMESPACE, role.template.priority_class_name
            if runtime := (role.template.raw.get("spec") or {}).get("runtimeClassName"):
                yield "RuntimeClass", _NO_NAMESPACE, str(runtime)
