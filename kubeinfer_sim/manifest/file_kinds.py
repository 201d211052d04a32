"""What a file holds, by its content and not by its name, and which command it is for."""

from __future__ import annotations

import re

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.model import KINDS_WITH_TEMPLATES
from kubeinfer_sim.manifest.source import SourceText, read_source

OWN_API = "kubeinfer-sim/"
#: Kinds of the files that users write for us.
OWN_KINDS = ("Scenario", "Cluster", "Recovery", "Timings")
#: Kinds of the documents that we write.
OUTPUT_KINDS = ("Result", "Replications", "RareEvents", "Comparison", "Why", "Pods", "Findings", "Diff")

#: How a value of `kind` looks, in YAML and in JSON; where the file begins is enough.
_KIND = re.compile(r"""(?:^|[{,\s])["']?kind["']?\s*:\s*["']?(\w+)""", re.MULTILINE)
_LOOKED_AT = 1_000_000
_ANY_OWN_KIND = re.compile(rf"\bkind\b\W{{1,5}}(?:{'|'.join(OWN_KINDS)})\b")

#: What each kind is, and which command it is for.
_FOR = {
    "KubeInfer": "this is a manifest: `kubeinfer-sim rollout {file} --nodes 8x8` simulates an update of it, "
    "`kubeinfer-sim validate {file}` checks it, and a scenario names it as spec.manifest",
    "Scenario": "this is a scenario: `kubeinfer-sim run {file}` simulates it",
    "Cluster": "this is a cluster: give it as --cluster {file}, or name it as spec.cluster of a scenario",
    "Recovery": "these are rules of recovery: name them as spec.recovery of a scenario, or give them to "
    "`kubeinfer-sim compare SCENARIO --recovery Instance,{file}`",
    "Timings": "these are stage timings: name them as spec.timings.file of a scenario",
    "Node": "these are the nodes of a cluster: give them as --cluster {file}",
    "Pod": "these are pods: those of a cluster give them as --pods {file} beside --cluster, or learn from them with "
    "`kubeinfer-sim calibrate {file}`; those to simulate a scenario names as spec.manifest",
    "Event": "these are the events of a cluster: `kubeinfer-sim calibrate PODS {file}` learns from them",
}


def first_kind(text: str) -> str:
    """The first kind that a text names, without the `List` of a list; "" where it names none."""
    kinds = (match[1].removesuffix("List") for match in _KIND.finditer(text, 0, _LOOKED_AT))
    return next((kind for kind in kinds if kind), "")


def kind_in_file(name: str) -> str:
    """The first kind in a file; empty where it cannot be read, or only once."""
    if name == "-":
        return ""
    try:
        return first_kind(read_source(name, only_files=True).text)
    except InputError:
        return ""


def own_kind(source: SourceText) -> str | None:
    """The kind of a file of our own API; None of all others, manifests above all."""
    if OWN_API not in source.text and not _ANY_OWN_KIND.search(source.text):
        return None
    from kubeinfer_sim.manifest.yaml_tree import read_documents

    documents, _ = read_documents(source)
    for document in documents:
        value = document.value if isinstance(document.value, dict) else {}
        version, kind = value.get("apiVersion"), value.get("kind")
        if not isinstance(kind, str):
            continue
        if (isinstance(version, str) and version.startswith(OWN_API)) or (
            version is None and kind in OWN_KINDS
        ):
            return kind
    return None


def what_for(kind: str, file: str) -> str:
    """`this is a manifest: …`, with the command that was meant; empty of kinds that are for none."""
    if kind in KINDS_WITH_TEMPLATES:
        kind = "KubeInfer"
    if kind in OUTPUT_KINDS:
        return f"this is an output of kubeinfer-sim, of kind {kind}"
    shown = "FILE" if file == "-" else file
    return _FOR[kind].format(file=shown) if kind in _FOR else ""
