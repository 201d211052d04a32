"""Numbers and names as a report words them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from kubeinfer_sim.scenario.model import Configured
from kubeinfer_sim.scenario.units import format_duration

#: What a terminal without UTF-8 shows instead; one character for one where there is one, so that tables stay aligned.
_PLAIN = str.maketrans(
    {
        "✔": "+",
        "✘": "x",
        "█": "#",
        "▒": "%",
        "░": "o",
        "·": ".",
        "●": "*",
        "×": "x",
        "→": ">",
        "…": "~",
        "–": "-",
        "≥": ">",
        "−": "-",
        "±": "+-",
        "�": "?",
        "─": "-",
        "│": "|",
        "└": "+",
        "┴": "+",
        "┬": "+",
        "┤": "|",
    }
)


def plain(text: str) -> str:
    """The text with the characters a report draws with replaced by ASCII ones of the same width."""
    return text.translate(_PLAIN)


def rounded(millis: int) -> str:
    """A duration to two units at most: `250ms`, `5.2s`, `12m54s`, `1h12m`, `2d3h`."""
    if millis < 10_000:
        step = 100 if millis >= 1000 else 1
    elif millis < 3_600_000:
        step = 1000
    elif millis < 86_400_000:
        step = 60_000
    else:
        step = 3_600_000
    return format_duration((millis + step // 2) // step * step)


def for_how_long(millis: int) -> str:
    """`for 5.2s`; what takes no time is so when the run ends: `in the end`."""
    return f"for {rounded(millis)}" if millis else "in the end"


def point(millis: int) -> str:
    """A time since the start, to the second also after days: `5.2s`, `1h6m3s`, `2d10m7s`.

    Of a length two units tell enough; of two steps in the third hour they would say that both happened at once.
    """
    return rounded(millis) if millis < 10_000 else format_duration((millis + 500) // 1000 * 1000)


def configured(configuration: Configured | None) -> str:
    """`From .kubeinfer-sim.yaml: cluster 16x8 · kubernetesVersion 1.34`; empty without one."""
    return "" if configuration is None else f"From {configuration.file}: {' · '.join(configuration.facts)}"


def ended(sentence: str) -> str:
    """A sentence with its full stop; what a component says at its end may have brought one."""
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."


def clause(sentence: str) -> str:
    """A sentence as a part of another one, without its full stop."""
    return sentence.removesuffix(".")


def count(number: int, noun: str) -> str:
    """`1 instance`, `2 instances`, `10,000 instances`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def together(words: Sequence[str]) -> str:
    """`liveness`, `startup and liveness`, `startup, liveness and readiness`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def instance_seconds(millis: int, noun: str = "instance") -> str:
    """Instance-milliseconds as instance-seconds, exact: `4,080 instance-seconds`; so for another noun."""
    whole, rest = divmod(millis, 1000)
    text = f"{whole:,}" + (f".{rest:03d}".rstrip("0") if rest else "")
    return f"{text} {noun}-second{'' if millis == 1000 else 's'}"


def percent(part: float) -> str:
    """A fraction as a percentage that says 100 % only when it is all of it."""
    text = f"{part * 100:.2f}"
    if part < 1 and text == "100.00":
        text = "> 99.99"
    return f"{text.removesuffix('.00')} %"


def fine_percent(fraction: float) -> str:
    """A fraction as a percentage, to four places: 100 % and 0 % only when it is all or nothing of it."""
    if fraction >= 1 or fraction <= 0:
        return f"{fraction * 100:g} %"
    text = f"{min(max(fraction * 100, 0.0001), 99.9999):.4f}".rstrip("0").rstrip(".")
    return f"{text} %"


def share(fraction: float, rounding: str = ROUND_HALF_EVEN) -> str:
    """A fraction in percent, to one place or as many as it takes not to be 0 or 100 when it is neither: `98.7`."""
    exact, places = Decimal(f"{fraction:.16g}") * 100, 1  # 52 % is no more than that
    while True:
        shown = exact.quantize(Decimal(1).scaleb(-places), rounding)
        if shown not in (0, 100) or fraction in (0, 1):
            return f"{shown.normalize():f}"
        places += 1


def share_between(fraction: float, low: float, high: float) -> str:
    """A proportion with its interval, whose bounds are rounded away from it: `98.7 % (97.6–99.4)`."""
    return f"{share(fraction)} % ({share(low, ROUND_FLOOR)}–{share(high, ROUND_CEILING)})"


def ordinals(numbers: Iterable[int]) -> str:
    """Ordinals as ranges: `0-3, 7`."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def listed(items: list[str], most: int = 5) -> str:
    """`a, b, c`; beyond `most` items `a, b … and 7 more`."""
    if len(items) <= most:
        return ", ".join(items)
    return f"{', '.join(items[: most - 1])} … and {len(items) - most + 1:,} more"


def others(owners: Sequence[tuple[str, str]]) -> str:
    """` (and 1 more node, 2 more workloads)`: of whom else it is so, by what owns the pods of each such loop."""
    nodes, workloads = owners.count(owners[0]) - 1, len(set(owners)) - 1
    more = [
        count(number, f"more {what}") for number, what in ((nodes, "node"), (workloads, "workload")) if number
    ]
    return f" (and {', '.join(more)})" if more else ""
