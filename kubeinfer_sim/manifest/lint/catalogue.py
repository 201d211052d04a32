"""All rules by code."""

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
from kubeinfer_sim.manifest.lint.engine import lint
from kubeinfer_sim.manifest.lint.rule import RULES, rule_named

__all__ = ["RULES", "lint", "rule_named"]
