"""Lint: what is valid and will hurt all the same, with the number that makes it true for this manifest.

    findings = lint(manifests.written, Expectations(load=lambda template: LoadTime(163, 1249, 3032)))

A rule is a function in one of the `*_rules` modules; `RULES` has them all by code.
"""

from kubeinfer_sim.manifest.lint import (  # noqa: F401  (importing registers the rules)
    container_rules,
    host_port_rules,
    placement_rules,
    probe_rules,
    recovery_rules,
    reference_rules,
    stop_rules,
    update_rules,
)
from kubeinfer_sim.manifest.lint.engine import SHOWN_BY_RUNS, lint
from kubeinfer_sim.manifest.lint.rule import RULES, Expectations, LoadTime, Node, Rule, rule_named

__all__ = ["RULES", "SHOWN_BY_RUNS", "Expectations", "LoadTime", "Node", "Rule", "lint", "rule_named"]
