"""`kubeinfer-sim explain [CODE]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from kubeinfer_sim.cli.command import complete_rules, form_option, subcommand
from kubeinfer_sim.cli.output import output_of, width_of

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.lint.rule import Rule


@subcommand("explain", short_help="Explain a lint rule, or list all of them.")
@click.argument("codes", metavar="[CODE]...", nargs=-1, shell_complete=complete_rules)
@click.option("--markdown", is_flag=True, help="The same as -o markdown.")
@form_option("text", "markdown")
def command(codes: tuple[str, ...], markdown: bool, form: str | None) -> int:
    """Say what a lint rule finds, why that matters, what would be right and how it is known.

    Without a CODE all rules are listed; -o markdown prints them as a page.
    """
    from kubeinfer_sim.manifest.lint.catalogue import RULES
    from kubeinfer_sim.manifest.lint.page import entries_markdown, lint_markdown

    asked = [_rule(text) for text in codes]
    output = output_of("markdown" if markdown else form, {})
    every = sorted(RULES.values(), key=lambda each: each.code)
    width = min(width_of(sys.stdout), 100)
    output.write(
        text=lambda: "\n\n".join("\n".join(_lines(rule, width)) for rule in asked) if asked else _list(every),
        markdown=lambda: entries_markdown(asked) if asked else lint_markdown(),
    )
    return 0


def _rule(text: str) -> Rule:
    """The rule of a code, or of a name.

    Raises:
        UsageError: there is none.
    """
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.manifest.file_kinds import kind_in_file
    from kubeinfer_sim.manifest.lint.catalogue import RULES, rule_named
    from kubeinfer_sim.manifest.suggest import did_you_mean

    rule = rule_named(text)
    if rule is None:
        known = {name for each in RULES.values() for name in (each.code, each.name)}
        near = did_you_mean(text, known)
        if kind_in_file(text):
            near = f"; what is to be said of a file `kubeinfer-sim validate {text}` says"
        raise UsageError(f"there is no rule {text[:40]!r}{near}; `kubeinfer-sim explain` lists them")
    return rule


def _list(rules: list[Rule]) -> str:
    from kubeinfer_sim.manifest.wrapping import wrap

    # In a pipe one line each, however long: that is what grep and sort take.
    width = width_of(sys.stdout) if sys.stdout.isatty() else None
    lines = (
        wrap(f"{rule.code}  {rule.severity:<7}  {rule.summary}", width, later=" " * 16) for rule in rules
    )
    return "\n".join(line for each in lines for line in each)


def _lines(rule: Rule, width: int) -> Iterator[str]:
    from kubeinfer_sim.manifest.wrapping import wrap

    def fold(text: str) -> str:
        return "\n".join(wrap(" ".join(text.split()), width))

    yield fold(f"{rule.code} {rule.name} ({rule.severity}): {rule.summary}")
    for paragraph in (rule.reason, f"What would be right: {rule.right}", f"Source: {rule.source}."):
        yield ""
        yield fold(paragraph)
    yield ""
    yield f"Switch off: --disable {rule.code}, or a comment `# kubeinfer-sim: disable={rule.code}`."
