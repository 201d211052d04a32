"""maxSurge and maxUnavailable of a KubeInfer: what may be written."""

from __future__ import annotations

import re
from typing import Any

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.checker import MAX_INT32, Checker, shown
from kubeinfer_sim.manifest.kubernetes.intstr import parse_amount
from kubeinfer_sim.manifest.model import IntOrPercent, RollingUpdate

_FRACTION = r"[0-9]*\.[0-9]*%"
_NEGATIVE = r"-[0-9]+(\.[0-9]*)?%?"
_FIELDS = ("maxSurge", "maxUnavailable")


def check_rolling_update(checker: Checker, value: Any, path: Path, replicas: int) -> RollingUpdate:
    """Check the budgets of an InstanceRollingUpdate.

    Both written as zero is an error; both zero only by rounding lets one instance be unavailable, as in a
    Deployment (`resolve_fenceposts`), and is a warning.
    """
    written = checker.mapping(value, path)
    checker.known_fields(written, path, _FIELDS)
    default = RollingUpdate()
    surge = check_int_or_percent(checker, written.get("maxSurge"), (*path, "maxSurge"))
    unavailable = check_int_or_percent(checker, written.get("maxUnavailable"), (*path, "maxUnavailable"))
    if surge is not None and unavailable is not None and surge.value == 0 and unavailable.value == 0:
        checker.report(
            (*path, "maxUnavailable"),
            "maxSurge and maxUnavailable must not both be zero, or no instance could ever be replaced",
            hint="maxSurge: 1 needs room for a spare instance; maxUnavailable: 1 takes one out at a time",
        )
        return default
    if any(
        written.get(name) is not None and given is None
        for name, given in zip(_FIELDS, (surge, unavailable), strict=True)
    ):
        return default  # what the default would come to is not what is meant
    budgets = RollingUpdate(surge or default.max_surge, unavailable or default.max_unavailable)
    if replicas and not (
        budgets.max_surge.of(replicas, round_up=True) or budgets.max_unavailable.of(replicas, round_up=False)
    ):
        checker.report(
            (*path, "maxUnavailable"),
            f"{budgets.max_unavailable} of {replicas} rounds down to 0 and maxSurge is "
            f"{budgets.max_surge}, so that one instance at a time will be unavailable",
            severity=Severity.WARNING,
            code="budget-rounds-to-zero",
            hint="write maxUnavailable: 1 if that is meant, or maxSurge: 1",
        )
    return budgets


def check_int_or_percent(checker: Checker, value: Any, path: Path) -> IntOrPercent | None:
    """A whole number, or a percentage of 0 to 100 written `20%`; None when absent or wrong."""
    if value is None:
        return None
    amount = parse_amount(value)
    if amount is None:
        why, hint = _refused(value)
        checker.report(path, f"{shown(value)} {why}", hint=hint)
        return None
    if amount.exceeds_all:
        checker.report(path, f"{shown(value)} must not be more than 100%")
        return None
    if amount.value > MAX_INT32:
        checker.report(path, f"{value} must not be more than {MAX_INT32}")
        return None
    return amount


def _refused(value: Any) -> tuple[str, str]:
    """Why a value is no amount, and what to write instead where that does not say so."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "must not be negative", ""
    if isinstance(value, str) and re.fullmatch(_FRACTION, value):
        return "- only whole percentages are allowed", ""
    if isinstance(value, str) and re.fullmatch(_NEGATIVE, value):
        return "must not be negative", ""
    return "is neither an integer nor a percentage", _hint(value)


def _hint(value: Any) -> str:
    if isinstance(value, str) and value.isdigit():
        return f"write {value[:20]} without quotes"
    digits = re.match(r"\s*([0-9]{1,3})\b", value) if isinstance(value, str) else None
    if digits:
        return f"write {digits[1]}% for a share, {digits[1]} for a number of instances"
    return "write a number of instances such as 1, or a share such as 20%"
