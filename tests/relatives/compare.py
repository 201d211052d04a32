"""Recorded whole runs of KubeInfer's relatives beside their simulation.

    python tests/relatives/compare.py [--vectors DIR] [--all] [--scenario] [--page] [CASE ...]

Without cases, a line for each and the score. Of cases that are named (beginnings of ids will do) also the answers to the
questions and the milestones that differ, by default and under the relative's switches, or with --all all of them.
--scenario prints the files a case becomes, --page what the page on relatives would say.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import textwrap
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from e2e.comparing import Verdict, table_of  # noqa: E402
from relatives.judging import Judged, judge  # noqa: E402
from relatives.page import RELATIVES, case_row, counts_row, page  # noqa: E402
from relatives.scenarios import write  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare recorded runs of relatives with simulated ones.")
    parser.add_argument("cases", metavar="CASE", nargs="*")
    parser.add_argument("--vectors", type=Path, default=TESTS / "vectors", metavar="DIR")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--scenario", action="store_true")
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    named = tuple(options.cases)
    tables: dict[str, list[Judged]] = {}
    for name, (_, switches) in RELATIVES.items():
        table = json.loads(gzip.decompress((options.vectors / f"{name}.json.gz").read_bytes()))
        for case in table["cases"]:
            if named and not case["id"].startswith(named):
                continue
            each = judge(case, switches)
            tables.setdefault(name, []).append(each)
            if not options.page:
                print(case_row(each))
            if options.scenario:
                written = write(case)
                print(json.dumps(written.manifest), json.dumps(written.scenario, indent=1), sep="\n---\n")
            if named:
                print(textwrap.indent(_at_length(each, everything=options.all), "  "))
    if options.page:
        print(page(tables))
    elif not named:
        print(*(counts_row(name, [each.says for each in every]) for name, every in tables.items()), sep="\n")


def _at_length(each: Judged, *, everything: bool) -> str:
    lines = [each.case["what"]]
    lines += [f"{a.question.text} {a.theirs} (here {a.default}, {a.switched})" for a in each.answers]
    for name, play in (("by default", each.default), ("under its switches", each.theirs)):
        if play is not None:
            verdict = Verdict("agrees" if play.agrees else "differs", milestones=play.milestones)
            lines += [f"{name}, order {'as recorded' if play.order else 'differs'}:"]
            lines += [table_of(each.case, verdict, everything=everything)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
