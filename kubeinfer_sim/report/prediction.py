"""What a change does to time and availability, for people and as part of the document of `diff`."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Any

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.prediction import NEXT, THIS, TODAY, Check, Measured, Prediction
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.manifest.wrapping import wrap
from kubeinfer_sim.report.estimates import amount, between
from kubeinfer_sim.report.interval_part import finite
from kubeinfer_sim.report.words import count, listed, ordinals

NAMES = {TODAY: "an update today", THIS: "this update", NEXT: "the next update"}
_SAID = {
    TODAY: "OLD with a new revision",
    THIS: "OLD to NEW",
    NEXT: "NEW with a new revision",
}
#: The figures that are the more the worse, in words: what one has more of, and less.
_MORE_AND_LESS = {
    "duration": ("longer", "shorter"),
    "minReady": ("more", "fewer"),
    "minAvailable": ("more", "fewer"),
}
_OPTIONS = {
    "longer": "--max-duration-increase",
    "min_ready": "--min-ready",
    "more_lost": "--max-lost-increase",
}
_DECIDED = {
    Decision.HELD: "holds",
    Decision.MISSED: "missed",
    Decision.UNDECIDED: "undecided: make more runs",
}


def prediction_text(prediction: Prediction, *, width: int = 80) -> str:
    """A paragraph for each of the three updates, then the bounds."""
    lines = wrap(f"Predicted{_of(prediction)}, {_seeds(prediction)}:", width, later="  ")
    for name in (TODAY, THIS, NEXT):
        figures = prediction.figures[name]
        lines += wrap(f"  {NAMES[name]} ({_SAID[name]}):", width, later="    ")
        for each in figures:
            lines += wrap(f"    {_told(each)}", width, later="      ")
        if not any(each.name == "duration" for each in figures):
            lines += wrap("    rolls nothing out", width, later="      ")
    for check in prediction.checks:
        lines += wrap(f"  {_checked(prediction, check)}", width, later="    ")
    lines += _failures(prediction)
    return "\n".join(lines)


def prediction_rows(prediction: Prediction) -> list[list[str]]:
    """A row for each figure: its title, and what it is of each update."""
    titles = {each.name: each.title for figures in prediction.figures.values() for each in figures}
    rows = []
    for name, title in titles.items():
        own = [
            next((each for each in prediction.figures[update] if each.name == name), None) for update in NAMES
        ]
        rows.append([title, *("-" if each is None else _cell(each) for each in own)])
    return rows


def prediction_sentences(prediction: Prediction) -> list[str]:
    """What stands below the rows: under which seeds, and what became of the bounds."""
    told = [f"Predicted{_of(prediction)}, {_seeds(prediction)}; differences are paired by seed."]
    return [*told, *(_checked(prediction, each) for each in prediction.checks), *_failures(prediction)]


def prediction_document(prediction: Prediction) -> dict[str, Any]:
    """What `diff` has under `prediction`, described in docs/validate.md."""
    return {
        "updated": list(prediction.updated),
        "seeds": list(prediction.comparison.seeds),
        "updates": [
            {
                "name": name,
                "figures": [
                    {
                        "name": each.name,
                        "unit": each.unit,
                        "value": _interval(each.value),
                        "more": None if each.more is None else _interval(each.more),
                    }
                    for each in prediction.figures[name]
                ],
            }
            for name in NAMES
        ],
        "bounds": [
            {"option": _OPTIONS[each.bound], "update": each.update, "decision": each.decision.value}
            for each in prediction.checks
        ],
        "decision": prediction.decision.value if prediction.checks else None,
        "failed": [
            {"update": name, "seed": each.seed, "why": each.why, "message": each.message}
            for name, each in prediction.comparison.failures
        ],
    }


def _interval(number: Estimate) -> dict[str, float | None]:
    """Null where it is infinite, or not known; `never` tells which."""
    low, high = (None if each is None else finite(each) for each in (number.low, number.high))
    return {"value": finite(number.mean), "low": low, "high": high}


def _of(prediction: Prediction) -> str:
    """What the updates are of, where more runs than one workload."""
    if not prediction.beside and len(prediction.updated) < 2:
        return ""
    return f" of {listed(list(map(printable, prediction.updated)))}"


def _seeds(prediction: Prediction) -> str:
    seeds = prediction.comparison.seeds
    stopped = ", interrupted" if prediction.comparison.interrupted else ""
    told = f"seed {seeds[0]}" if len(seeds) == 1 else f"{count(len(seeds), 'seed')} ({ordinals(seeds)})"
    return f"{told}{stopped}"


def _told(figure: Measured) -> str:
    value = _value(figure)
    more = figure.more
    if isinf(figure.value.mean):
        return "never finishes"
    if more is None:
        return f"{figure.title} {value}"
    return f"{figure.title} {value}: {_more(figure, more)}"


def _value(figure: Measured) -> str:
    if figure.name in _MORE_AND_LESS and figure.name != "duration":
        return amount(figure.value.mean, figure.unit)  # the fewest in any run
    return between("", figure.value, figure.unit, _ENDLESS).strip()


_ENDLESS = "for ever"


def _more(figure: Measured, more: Estimate) -> str:
    if more.low == more.high == 0:
        return "as today"
    longer, shorter = _MORE_AND_LESS.get(figure.name, ("more", "less"))
    if more.low is not None and more.high is not None and more.low < 0 < more.high:
        least, most = (amount(each, figure.unit, endless=_ENDLESS) for each in (-more.low, more.high))
        return f"anything from {least} {shorter} to {most} {longer}"
    if more.mean >= 0:
        return f"{between('', more, figure.unit, _ENDLESS).strip()} {longer}"
    low, high = (None if each is None else -each for each in (more.low, more.high))
    turned = Estimate(-more.mean, high, low, more.method, more.reason)
    return f"{between('', turned, figure.unit, _ENDLESS).strip()} {shorter}"


def _cell(figure: Measured) -> str:
    if isinf(figure.value.mean):
        return "never finishes"
    more = "" if figure.more is None else f"; {_more(figure, figure.more)}"
    return f"{_value(figure)}{more}"


def _checked(prediction: Prediction, check: Check) -> str:
    asked = getattr(prediction.bounds, check.bound)
    value = f"{asked:,}" if check.bound == "min_ready" else amount(asked, "ms")
    return f"{_OPTIONS[check.bound]} {value}, {NAMES[check.update]}: {_DECIDED[check.decision]}"


def _failures(prediction: Prediction) -> Sequence[str]:
    return [
        f"{NAMES[name]}, seed {each.seed} came to no end: {each.message}"
        for name, each in prediction.comparison.failures
    ]
