"""The documentation page of the lint rules, made from their metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubeinfer_sim.manifest.lint.rule import RULES, Rule

_HEAD = """# Lint rules

<!-- Made by `kubeinfer-sim explain --markdown`; a test keeps it current. -->

`kubeinfer-sim validate` first says what the API server and KubeInfer would refuse (errors, exit code 2), and then
what is valid and will hurt all the same. Each finding names the number that makes it true for this manifest and a
fix. What holds for several roles is said once. `kubeinfer-sim explain KI007` prints one of the entries below.

Rules are about pod templates, whoever owns them: KubeInfers, Deployments, StatefulSets, ReplicaSets, DaemonSets, or
Pods that nothing owns. Those about what some of these kinds alone have say so.

Severities: an *error* cannot work, a *warning* is likely a mistake (exit code 1 under `--strict`), a *note* is good
to know. Expected loads are the default [stage timings](scenario.md), by where the template's volumes say the weights
are; rules that need a cluster are run with `--nodes 8x8` or `--nodes cluster.yaml`. Without one, nodes have 8 NPUs,
or 16 when a pod asks for more than 8.

A rule is switched off

* for a line by a comment on it or on the line above it: `# kubeinfer-sim: disable=KI007`, several with commas, a
  reason after ` -- `;
* for a file by the same comment before the first line that is no comment;
* for a run by `--disable KI007`.

What is not here because it is an error and always told: a node port used twice or out of range, both budgets written
as zero, NPU requests that differ from limits, and everything else the API server refuses.
"""


def lint_markdown() -> str:
    """The page `docs/lint.md`."""
    rules = sorted(RULES.values(), key=lambda each: each.code)
    lines = [_HEAD, "| code | severity | about | finds |", "|---|---|---|---|"]
    lines += [
        f"| [{each.code}](#{each.code.lower()}) | {each.severity} | {each.about or 'all kinds'} | {each.summary} |"
        for each in rules
    ]
    return "\n".join((*lines, *_entries(rules))) + "\n"


def entries_markdown(rules: Iterable[Rule]) -> str:
    """The entries of some rules alone."""
    return "\n".join(_entries(rules)).lstrip("\n") + "\n"


def _about(rule: Rule) -> str:
    return f", about {rule.about}" if rule.about else ""


def _entries(rules: Iterable[Rule]) -> Iterator[str]:
    for each in rules:
        yield f"\n## {each.code}"
        yield f"\n**{each.name}** ({each.severity}{_about(each)}): {each.summary}."
        yield f"\n{each.reason}"
        yield f"\nWhat would be right: {each.right}"
        yield f"\nSource: {each.source}."
