"""The rules of which a run shows whether what they warn of comes about; no others, since each run imports them."""

from kubeinfer_sim.manifest.lint import (  # noqa: F401  (importing registers the rules)
    placement_rules,
    probe_rules,
    update_rules,
)
from kubeinfer_sim.manifest.lint.engine import lint
from kubeinfer_sim.manifest.lint.rule import RULES

__all__ = ["RULES", "SHOWN_BY_RUNS", "lint"]

#: Their codes.
SHOWN_BY_RUNS = frozenset({"KI001", "KI002", "KI004", "KI005", "KI006", "KI023"})
