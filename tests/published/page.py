"""Writes the tables of docs/published.md from what the tests compute: `python tests/published/page.py`.

Every number of the column "here" comes out of a simulation with fixed seeds, so the page is the same wherever it is
written; `test_page.py` holds it to that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from published.airesim import Parameters
from published.airesim_report import MEASURES, REPORTS, Escalation, replications
from published.arithmetic import KAITO, VLLM, liveness, serial_rollout, start_up, startup_window
from published.comparing import Published, z_of_mean
from published.rates import LLAMA3, LLAMA3_SEEDS, SCALING, interruptions
from published.repairable import SEEDS, SERVICES, Series, shares
from student import student

PAGE = Path(__file__).parents[2] / "docs" / "published.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def mean(values: Sequence[float], digits: int) -> str:
    """Mean and 95 % interval."""
    found = student(values)
    half = "" if found.half is None else f" ± {number(found.half, digits)}"
    return f"{number(found.mean, digits)}{half}"


def airesim(escalation: Escalation) -> str:
    jobs = replications(escalation, 30)

    def rows() -> Iterable[Sequence[str]]:
        for name, published in REPORTS[escalation].items():
            values = [MEASURES[name](job) for job in jobs]
            digits = 4 if "ratio" in name else 1
            z = f"{published.z(values):.1f}" if published.deviation else "-"
            yield name, told(published, digits), mean(values, digits), z

    return table(("mean of 30 runs", "published", "here", "z"), rows())


def told(published: Published, digits: int) -> str:
    """A published mean with the 95 % interval of its replications, as ours."""
    from scipy.special import stdtrit

    half = float(stdtrit(published.count - 1, 0.975)) * published.deviation / published.count**0.5
    return f"{number(published.mean, digits)} ± {number(half, digits)}"


def airesim_closed_form() -> str:
    p, corrected = Parameters(), Parameters(escalation="failed")
    rows = [
        ("with the failures AIReSim counted", "0.6232", number(p.training_ratio(11_145.6), 4)),
        ("with the failures to be expected", "", number(p.training_ratio(p.expected_failures), 4)),
        (
            "the same, for the corrected report",
            "",
            number(corrected.training_ratio(corrected.expected_failures), 4),
        ),
    ]
    return table(("effective training ratio, closed form", "published", "here"), rows)


def rates() -> str:
    def rows() -> Iterable[Sequence[str]]:
        for nodes, days, published in SCALING:
            count = interruptions("meta-rsc1", nodes, days)
            hours = days * 24 / count
            half = 1.96 * hours / count**0.5
            what = f"mean time to failure of {nodes:,} nodes, h (6.50 per 1000 node-days)"
            yield what, f"{published:g}", f"{hours:.3f} ± {half:.3f}"
        counts = [interruptions("llama3", *LLAMA3, seed=seed) for seed in range(LLAMA3_SEEDS)]
        yield "Llama 3: interruptions of 2,048 nodes in 54 days", "419 ± 20", mean(counts, 0)
        hours = [LLAMA3[1] * 24 / count for count in counts]
        yield "Llama 3: mean time between them, h", "3.09", mean(hours, 2)

    return table(("what", "published", "here"), rows())


def sums() -> str:
    rollout = serial_rollout()
    in_time, late, short, long = (
        startup_window(*window)
        for window in ((720, 10, 7200), (720, 10, 7201), (150, 30, 5000), (240, 30, 5000))
    )

    def seconds(value: float | None) -> str:
        assert value is not None
        return f"{number(value, 0)} s"

    def between(values: Sequence[float]) -> str:
        return f"{min(values):.1f} to {max(values):.1f} s"

    def fate(window: tuple[float | None, float | None, int]) -> str:
        started, _, restarts = window
        return (
            f"{restarts} restarts in a day, never starts"
            if started is None
            else f"starts after {seconds(started)}"
        )

    rows = [
        ("serial rollout of 4 groups (kthena)", "4,080 s", seconds(rollout.seconds)),
        ("instance-seconds lost in it", "4,080", number(rollout.lost, 0)),
        ("groups ready throughout", "3 of 4", f"{rollout.least_ready} of 4"),
        ("start of KAITO #2325, 11 phases", "966 s", seconds(start_up(KAITO))),
        ("start of vLLM #19824, 5 phases", "215 s", seconds(start_up(VLLM))),
        ("startup probe 720 × 10 s, load of 7,200 s", "7,200 s", seconds(in_time[0])),
        ("the same, load of 7,201 s: killed after", "7,200 s", seconds(late[1])),
        ("150 × 30 s, load of 5,000 s (aws-do-eks #40): killed after", "4,500 s", seconds(short[1])),
        ("what becomes of it", "loops for ever", fate(short)),
        ("240 × 30 s, the same load", "survives", fate(long)),
        ("liveness 6 × 5 s: killed after a refusing check", "25 to 30 s", between(liveness(hangs=False))),
        ("a check that hangs into its 10 s", "60 to 65 s", between(liveness(hangs=True))),
    ]
    return table(("what", "published", "here"), rows)


def unavailability() -> str:
    def rows() -> Iterable[Sequence[str]]:
        for nodes, published in ((8, "5.8e-4"), (4, "2.9e-4")):
            series = Series(nodes)
            lost = [share for share, _ in series.played(SERIES_SEEDS)]
            found = student(lost)
            assert found.half is not None
            here = f"{found.mean * 1e4:.2f}e-4 ± {found.half * 1e4:.2f}e-4"
            form = f"{series.unavailability * 1e4:.2f}e-4"
            yield f"{nodes} nodes", published, form, here, f"{z_of_mean(lost, series.unavailability):.1f}"

    return table(("instance of", "published", "closed form", "here", "z"), rows())


def closed_forms() -> str:
    def rows() -> Iterable[Sequence[str]]:
        for service in SERVICES:
            values = [share[-1] for share in shares(service, SEEDS)]
            expected = service.probability(service.instances)
            yield service.name, f"{expected:.4f}", mean(values, 4), f"{z_of_mean(values, expected):.1f}"

    return table(("part of time with all instances ready", "closed form", "here", "z"), rows())


#: Runs of instances in series.
SERIES_SEEDS = 6

SECTIONS: Mapping[str, Callable[[], str]] = {
    "rates": rates,
    "sums": sums,
    "unavailability": unavailability,
    "closed-forms": closed_forms,
    "airesim": lambda: airesim("any"),
    "airesim-corrected": lambda: airesim("failed"),
    "airesim-closed-form": airesim_closed_form,
}
#: Those that take long.
LONG = {"rates", "unavailability", "closed-forms", "airesim", "airesim-corrected"}


def section(name: str) -> re.Pattern[str]:
    """Where the page holds a table."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=\n<!-- /{name} -->)", re.S)


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, made in SECTIONS.items():
        content = made()
        assert f"<!-- {name} -->\n" in text, name
        text = section(name).sub(lambda _: content, text)  # noqa: B023 - used at once
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
