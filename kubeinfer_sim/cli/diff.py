"""`kubeinfer-sim diff OLD NEW`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from kubeinfer_sim.cli.command import (
    file_argument,
    filename_option,
    new_values_option,
    subcommand,
    values_options,
)
from kubeinfer_sim.cli.output import Output
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.predictions import Predicted, code_of, prediction_options
from kubeinfer_sim.diagnostics import unrepeated
from kubeinfer_sim.errors import UsageError


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "diff compares two manifests, OLD and NEW"


@subcommand("diff", short_help="Say what changes from one manifest to another.", surplus=_surplus)
@file_argument("old")
@file_argument("new")
@filename_option
@new_values_option
@values_options("the manifests")
@prediction_options
@output_options("the changes", "text", "json", "markdown")
@click.option("--exit-code", is_flag=True, help="Exit with 1 when there are differences, as git diff does.")
def command(
    old: str,
    new: str,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    new_settings: tuple[str, ...],
    output: Output,
    exit_code: bool,
    predicted: Predicted,
) -> int:
    """Say what applying NEW changes in a cluster that runs OLD, whether it rolls out, and what does nothing.

    What the API server would refuse, since the object exists and the field must not change, is said in its words,
    with exit code 1.

    The meaning is compared, not the text: defaults count as written, 1000m is 1. - is standard input:
    kubectl get kubeinfer x -o yaml | kubeinfer-sim diff - new.yaml

    With --predict exit code 1 says that a bound is missed, too, 4 that more runs are needed to tell.
    """
    from kubeinfer_sim.cli.manifests import Side, load_each
    from kubeinfer_sim.cli.output import note, show_diagnostics, width_of
    from kubeinfer_sim.manifest.diff import Versioned, diff
    from kubeinfer_sim.manifest.object_diff import Key, is_compared, object_diff
    from kubeinfer_sim.manifest.references import ASSUMED, without_given
    from kubeinfer_sim.manifest.refusals import refusals
    from kubeinfer_sim.manifest.register.check import not_simulated
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.diff import diff_json, diff_text
    from kubeinfer_sim.report.markdown.diff import diff_markdown

    if [old, new, predicted.cluster, predicted.pods].count("-") > 1:
        raise UsageError("only one file can come from standard input")
    predicted.check()
    values, later = parse_settings(settings, files), parse_settings(new_settings, option="--set-new")
    before, after = load_each([Side(old, values), Side(new, {**values, **later})], values, later)
    versions = [[each for each in side.workloads if isinstance(each, Versioned)] for side in (before, after)]
    differences = diff(*versions)
    compared = {each.object.kind for each in differences}
    refused = [each for each in refusals(before.objects, after.objects) if each.kind not in compared]
    told = {Key(each.kind, each.namespace, each.name) for each in refused}
    beside = [{Key(*each.key): each.document.value for each in side.others} for side in (before, after)]
    others = [each for each in object_diff(*beside) if each.key not in told]
    prediction = None
    if predicted.predict:
        prediction = predicted.of(before, after, (old, new), differences)

    def text() -> str:
        width = width_of(sys.stdout)
        if prediction is None:
            return diff_text(differences, others, refused, width=width)
        from kubeinfer_sim.report.prediction import prediction_text

        paragraph = prediction_text(prediction, width=width)
        return diff_text(differences, others, refused, predicted=[paragraph], width=width)

    def json() -> str:
        if prediction is None:
            return diff_json(differences, others, refused)
        from kubeinfer_sim.report.prediction import prediction_document

        return diff_json(differences, others, refused, prediction_document(prediction))

    def markdown() -> str:
        from kubeinfer_sim.cli.own_line import same_again

        if prediction is None:
            return diff_markdown(differences, others, refused, command=same_again())
        from kubeinfer_sim.report.markdown.prediction import prediction_markdown

        scenario = prediction.comparison.outcomes[0].variant.scenario
        lines = prediction_markdown(prediction)
        return diff_markdown(differences, others, refused, lines, scenario, same_again())

    output.write(text=text, json=json, markdown=markdown)
    added = unrepeated(before.diagnostics, after.diagnostics)
    known = {finding.message for finding in before.diagnostics}  # what runs has what it needs
    assumed = [finding for finding in added if finding.code in ASSUMED and finding.message not in known]
    warnings = not_simulated([*before.diagnostics, *added])
    warnings += without_given(assumed, (each.key for each in (*before.others, *after.others)))
    if warnings:
        show_diagnostics(warnings)
    not_compared = dict.fromkeys(
        f"{each.kind} {each.name}"
        for side in (before, after)
        for each in (*side.workloads, *side.others)
        if not isinstance(each, Versioned)
        and not is_compared(each.kind)
        and (each.kind, each.namespace, each.name) not in told
    )
    if not_compared:
        note(f"not compared: {', '.join(not_compared)}")
    missed = (
        bool(refused)
        or any(each.refused for each in differences)
        or (exit_code and (bool(others) or any(each.differs for each in differences)))
    )
    code = 0 if prediction is None else code_of(prediction)
    return code or int(missed)
