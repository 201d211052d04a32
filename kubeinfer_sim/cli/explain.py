"""`kubeinfer-sim explain [CODE]`."""

from __future__ import annotations

import sys
import textwrap

import click

from kubeinfer_sim.cli.output import width_of


@click.command("explain", short_help="Explain a lint rule, or list all of them.")
@click.argument("codes", metavar="[CODE]...", nargs=-1)
@click.option("--markdown", is_flag=True, help="Print all of them as the documentation page.")
def command(codes: tuple[str, ...], markdown: bool) -> int:
    """Say what a lint rule finds, why that matters, what would be right and how it is known.

    Without a CODE all rules are listed.
    """
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.manifest.lint import RULES
    from kubeinfer_sim.manifest.suggest import did_you_mean

    if markdown:
        from kubeinfer_sim.manifest.lint.page import lint_markdown

        click.echo(lint_markdown(), nl=False)
        return 0
    width = min(width_of(sys.stdout), 100)
    if not codes:
        for rule in sorted(RULES.values(), key=lambda each: each.code):
            # One line each, however long: that is what grep and sort take.
            click.echo(f"{rule.code}  {rule.severity:<7}  {rule.summary}")
        return 0
    for number, text in enumerate(codes):
        code = text.upper()
        if code not in RULES:
            known = {name for each in RULES.values() for name in (each.code, each.name)}
            named = next((each.code for each in RULES.values() if each.name == text), None)
            if named is None:
                raise UsageError(
                    f"there is no rule {text[:40]!r}{did_you_mean(text, known)}; `kubeinfer-sim explain` lists them"
                )
            code = named
        rule = RULES[code]
        blank = "\n" if number else ""
        head = f"{rule.code} {rule.name} ({rule.severity}): {rule.summary}"
        click.echo(blank + textwrap.fill(head, width, break_long_words=False, break_on_hyphens=False))
        for paragraph in (rule.reason, f"What would be right: {rule.right}", f"Source: {rule.source}."):
            click.echo("\n" + textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False))
        click.echo(f"\nSwitch off: --disable {code}, or a comment `# kubeinfer-sim: disable={code}`.")
    return 0
