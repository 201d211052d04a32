"""`kubeinfer-sim diff OLD NEW`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.diff import Diff


@click.command("diff", short_help="Say what changes from one manifest to another.")
@click.argument("old")
@click.argument("new")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifests.")
@click.option("--set-file", "files", metavar="NAME=PATH", multiple=True, help="Fill ${NAME} from a file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(old: str, new: str, settings: tuple[str, ...], files: tuple[str, ...], as_json: bool) -> int:
    """Say what applying NEW changes in a cluster that runs OLD, whether it rolls out, and what does nothing.

    The meaning is compared, not the text: defaults count as written, 1000m is 1. - is standard input:
    kubectl get kubeinfer x -o yaml | kubeinfer-sim diff - new.yaml
    """
    from kubeinfer_sim.manifest.diff import diff
    from kubeinfer_sim.manifest.load import load_manifest
    from kubeinfer_sim.manifest.template import parse_settings, unknown_values

    if old == new == "-":
        raise UsageError("only one of OLD and NEW can come from standard input")
    values = dict(parse_settings(settings, files))
    before, after = (load_manifest([name], set_values=values, all_values_used=False) for name in (old, new))
    unused = unknown_values(values, set(before.holes | after.holes))
    if unused:
        from kubeinfer_sim.errors import InputError

        raise InputError(unused)
    found = diff(before.kubeinfers, after.kubeinfers)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(map(_text, found)))
    return 0


def _text(found: Diff) -> str:
    from kubeinfer_sim.manifest.diff import changed_place

    lines = [f"{found.kubeinfer.namespace}/{found.kubeinfer.name}: {found.summary()}"]
    heading = ""
    for each in found.by_effect:
        if each.words != heading:
            heading = each.words
            lines.append(f"  {heading}:")
        lines.append(f"    {changed_place(each, found)}: {_value(each.old)} → {_value(each.new)}")
    return "\n".join(lines)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _document(found: Sequence[Diff]) -> dict[str, Any]:
    from kubeinfer_sim.manifest.diagnostics import format_path

    return {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Diff",
        "kubeinfers": [
            {
                "namespace": each.kubeinfer.namespace,
                "name": each.kubeinfer.name,
                "rollout": each.rollout,
                "revision": {
                    "old": each.old.revision if each.old is not None else None,
                    "new": each.new.revision if each.new is not None else None,
                },
                "summary": each.summary(),
                "changes": [
                    {
                        "path": format_path(change.path),
                        "old": change.old,
                        "new": change.new,
                        "effect": change.effect.value,
                        "explanation": change.words,
                    }
                    for change in each.changes
                ],
            }
            for each in found
        ],
    }
