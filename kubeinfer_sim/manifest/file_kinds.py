"""What a file holds, by its content and not by its name, and which command it is for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.model import KINDS_WITH_TEMPLATES
from kubeinfer_sim.manifest.source import SourceText, read_source

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.document import Document

OWN_API = "kubeinfer-sim/"
#: Kinds of the files that users write for us.
OWN_KINDS = ("Scenario", "Cluster", "Recovery", "Timings")
#: How the first line of a comment in Markdown of ours ends, and how a page of ours begins.
COMMENT_ENDS = "<!-- kubeinfer-sim -->"
PAGE_BEGINS = "<!DOCTYPE html>\n<!-- Written by kubeinfer-sim"
#: How time series of ours in OpenMetrics begin.
OPENMETRICS_BEGINS = "# HELP kubeinfer_sim_"
#: What the first packet of a trace of ours says.
TRACE_SAYS = "Written by kubeinfer-sim"
#: Kinds of the documents that we write.
OUTPUT_KINDS = (
    "Result",
    "Replications",
    "RareEvents",
    "Comparison",
    "Plan",
    "Backtest",
    "Sweep",
    "Cliffs",
    "Recommendation",
    "Sensitivity",
    "Fuzz",
    "Why",
    "Pods",
    "Findings",
    "Diff",
    "Rows",
)

#: How a value of `kind` looks, in YAML and in JSON; where the file begins is enough.
_KIND = r"""(?m)(?:^|[{,\s])["']?kind["']?\s*:\s*["']?(\w+)"""
_LOOKED_AT = 1_000_000
_ANY_OWN_KIND = rf"\bkind\b\W{{1,5}}(?:{'|'.join(OWN_KINDS)})\b"

#: Objects of a file that are named at most where it is not what was expected.
_MOST_NAMED = 5

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
    "Pods": "this is an output of kubeinfer-sim, of kind Pods: `kubeinfer-sim pods SCENARIO --at 10m -o kubectl` lists "
    "them as kubectl does",
    "Event": "these are the events of a cluster: `kubeinfer-sim calibrate PODS {file}` learns from them",
}


def first_kind(text: str) -> str:
    """The first kind that a text names, without the `List` of a list; "" where it names none."""
    kinds = (match[1].removesuffix("List") for match in re.finditer(_KIND, text[:_LOOKED_AT]))
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
    if OWN_API not in source.text and not re.search(_ANY_OWN_KIND, source.text):
        return None
    from kubeinfer_sim.manifest.yaml_tree import read_documents

    documents, _ = read_documents(source)
    for document in documents:
        value = document.value if isinstance(document.value, dict) else {}
        if is_own(value):
            return str(value["kind"])
    return None


def is_own(value: Mapping[str, Any]) -> bool:
    """Whether an object is of our own API, or meant to be."""
    version, kind = value.get("apiVersion"), value.get("kind")
    if not isinstance(kind, str):
        return False
    return version.startswith(OWN_API) if isinstance(version, str) else version is None and kind in OWN_KINDS


def only_document(source: SourceText, kind: str) -> Document:
    """The one document of a file that should be of one of our kinds; of which it is, is not looked at.

    Raises:
        InputError: there is none, or there are several: manifests, mostly.
    """
    from kubeinfer_sim.manifest.yaml_tree import load_documents

    documents = load_documents(source)
    if len(documents) == 1:
        return documents[0]
    expected = f"expected one document of kind {kind}"
    if documents:
        message = f"{expected}, found {len(documents)}: {objects_in([each.value for each in documents])}"
        kinds = [_kind_of(each.value) for each in documents]
        hint = what_for_any(kinds, source.name)
        if kind in kinds:
            others = any(each != kind for each in kinds)
            hint = (
                f"each {kind} stands in a file of its own{', and names the rest by path' if others else ''}"
            )
    else:
        message = f"{nothing_in(source)}; {expected}"
        hint = f"it begins with `apiVersion: {OWN_API}v1` and `kind: {kind}`"
    raise InputError([Diagnostic(source.name, 0, 0, message, code=f"no-{kind.lower()}", hint=hint)])


def nothing_in(source: SourceText) -> str:
    """What is said of a file without documents."""
    return "it is empty" if not source.text.strip() else "it holds nothing but comments"


def objects_in(values: Sequence[Any]) -> str:
    """Objects by kind and name: `ConfigMap settings, KubeInfer chat`."""
    named = []
    for each in values[:_MOST_NAMED]:
        metadata = each.get("metadata") if isinstance(each, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        named.append(f"{_kind_of(each) or 'no kind'} {name if isinstance(name, str) else ''}".rstrip())
    return ", ".join(named) + (" …" if len(values) > _MOST_NAMED else "")


def _kind_of(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""


def what_for_any(kinds: Sequence[str], file: str) -> str:
    """What a file with objects of several kinds is for: what rolls out first, then what else we know."""
    known = sorted(kinds, key=lambda each: each not in KINDS_WITH_TEMPLATES)
    return next(filter(None, (what_for(each.removesuffix("List"), file) for each in known)), "")


def what_for(kind: str, file: str) -> str:
    """`this is a manifest: …`, with the command that was meant; empty of kinds that are for none."""
    if kind in KINDS_WITH_TEMPLATES:
        kind = "KubeInfer"
    if kind in OUTPUT_KINDS and kind not in _FOR:
        return f"this is an output of kubeinfer-sim, of kind {kind}"
    shown = "FILE" if file == "-" else file
    return _FOR[kind].format(file=shown) if kind in _FOR else ""
