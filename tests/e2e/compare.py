"""Recorded whole runs (`golden_e2e`) beside their simulation: what agrees, and what does not.

    python tests/e2e/compare.py [--vectors DIR] [--all] [--scenario] [--update] [CASE ...]

Without cases, a line for each and the score. Of cases that are named (beginnings of ids will do) also the milestones
that differ, or with --all all of them: both recorded runs and the simulated one, in seconds. --scenario prints the
files a case becomes. --update writes the cases that differ into `not_yet.txt`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import textwrap
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from e2e.comparing import WHOLE_RUNS, Reader, judge, table_of  # noqa: E402
from e2e.not_yet import FILE, write_not_yet  # noqa: E402
from e2e.scenarios import as_files  # noqa: E402


def main(table_name: str = "golden_e2e", reader: Reader = WHOLE_RUNS, known: Path = FILE) -> int:
    parser = argparse.ArgumentParser(description="Compare recorded whole runs with simulated ones.")
    parser.add_argument("cases", metavar="CASE", nargs="*")
    parser.add_argument("--vectors", type=Path, default=TESTS / "vectors", metavar="DIR")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--scenario", action="store_true")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    if options.update and options.cases:
        parser.error("--update is about all cases: name none")
    table = json.loads(gzip.decompress((options.vectors / f"{table_name}.json.gz").read_bytes()))
    named = tuple(options.cases)
    cases = [case for case in table["cases"] if not named or case["id"].startswith(named)]
    score: Counter[str] = Counter()
    differing: dict[str, str] = {}
    for case in cases:
        verdict = judge(case, reader)
        score[verdict.says] += 1
        if verdict.says == "differs":
            differing[case["id"]] = verdict.summary
        print(f"{case['id']:<18} {verdict.says:<16} {verdict.summary}".rstrip())
        if options.scenario:
            print(*as_files(reader.write(case)).values(), sep="---\n")
        if named:
            print(textwrap.indent(f"{case['what']}\n{table_of(case, verdict, everything=options.all)}", "  "))
    print(f"{', '.join(f'{number} {says}' for says, number in score.most_common())}, of {len(cases)}")
    if options.update:
        write_not_yet(differing, known)
    return 0


if __name__ == "__main__":
    sys.exit(main())
