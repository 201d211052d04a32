"""Variants of a scenario that differ in one assumption on how KubeInfer behaves."""

from __future__ import annotations

from typing import Any, get_args

from msgspec.structs import replace

from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.manifest.yaml_tree import load_documents
from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
from kubeinfer_sim.scenario.compile import compile_assumptions
from kubeinfer_sim.scenario.findings import read_form
from kubeinfer_sim.scenario.forms import written_name
from kubeinfer_sim.scenario.model import Scenario


def assumption_values() -> dict[str, tuple[str, ...]]:
    """The assumptions by name, and the values of those that are one of a few."""
    return {
        written_name(AssumptionsForm, name): tuple(_choices(field.annotation))
        for name, field in AssumptionsForm.model_fields.items()
    }


def assumption_knob(text: str) -> str:
    """`name=value,value…` as a knob.

    Raises:
        UsageError: there is no such assumption.
    """
    name = text.partition("=")[0]
    known = assumption_values()
    if name not in known:
        raise UsageError(
            f"--assume: there is no assumption {name!r}{did_you_mean(name, known)} (assumptions: {', '.join(known)})"
        )
    return text


def _choices(annotation: Any) -> list[str]:
    if annotation is bool:
        return ["true", "false"]
    if isinstance(annotation, str):
        return [annotation]
    return [value for inner in get_args(annotation) for value in _choices(inner)]


def as_yaml(name: str, value: str) -> str:
    """A value of an assumption as a scenario has it: the one delay of `backoff` is a list there."""
    return f"[{value}]" if name == "backoff" else value


def assumption_variants(scenario: Scenario, text: str) -> list[Variant]:
    """A variant for each value of `name=value,value…`, names and values as in `spec.assumptions`.

    Raises:
        InputError: a value is none of this assumption.
        UsageError: there is no such assumption, or fewer than one value.
    """
    alias, _, values = text.partition("=")
    names = {written_name(AssumptionsForm, name): name for name in AssumptionsForm.model_fields}
    if alias not in names:
        raise UsageError(
            f"--assume: there is no assumption {alias!r}{did_you_mean(alias, names)} "
            f"(assumptions: {', '.join(names)})"
        )
    wanted = list(dict.fromkeys(value.strip() for value in values.split(",") if value.strip()))
    if not wanted:
        raise UsageError(f"--assume {alias}: expected values, as in {alias}=A,B")
    name = names[alias]
    variants = []
    for value in wanted:
        source = SourceText(f"--assume {alias}={value}", f"{alias}: {as_yaml(alias, value)}\n")
        try:
            form = read_form(AssumptionsForm, load_documents(source)[0])
        except InputError as error:  # without the place in a text that nobody wrote
            raise InputError(
                [replace(each, line=0, column=0, path=(), text="") for each in error.diagnostics]
            ) from None
        value_read = getattr(compile_assumptions(form), name)
        assumptions = replace(scenario.assumptions, **{name: value_read})
        variants.append(Variant(value, replace(scenario, assumptions=assumptions)))
    return variants
