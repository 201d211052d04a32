"""Mutation testing of controllers, cluster and metrics: do their tests notice when the code is wrong?

    python tests/mutation/run.py record               # once: which test runs which line (`.mutation/`)
    python tests/mutation/run.py sample --workers 2   # a sample of the rooms' mutants; goes on where it was
    python tests/mutation/run.py survivors            # those that nobody has noticed, and what is said of them
    python tests/mutation/run.py page                 # the score into docs/fidelity.md
    python tests/mutation/run.py mistakes [WORDS ...] # those of `mistakes.py`, by the tests named there
    python tests/mutation/run.py search [WORDS ...]   # how long random scenarios, and `fuzz`, take to find the planted ones

All of them take long, and are run by hand with `nice`. See CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence, Set
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import pytest  # noqa: E402
from mutation import page, reach  # noqa: E402
from mutation.choice import SECONDS, choose, room  # noqa: E402
from mutation.mistakes import NAMED, PLANTED, Mistake  # noqa: E402
from mutation.operators import ROOMS, Mutant, files, is_code, mutants  # noqa: E402
from mutation.playing import OPTIONS, Job, Played, Player, folder_of_its_own, in_a_new_python  # noqa: E402

FOLDER = ROOT / ".mutation"
SAMPLE = FOLDER / "sample.jsonl"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}
#: The tests that should know: of the rooms, and those that reach them from end to end.
TESTS = tuple(
    f"tests/{each}"
    for each in (*ROOMS, "simulation", "volcano", "e2e", "field", "report", "cli/test_events.py")
)


def sample(count: int, seed: int, known: Set[str]) -> list[Mutant]:
    """So many mutants of the rooms, each as likely as any other; first those `known`, drawn before, that still fit.

    The others come in the order of a hash of their names, so a change of the code changes few of those drawn.
    """

    def order(mutant: Mutant) -> tuple[bool, bytes]:
        name = mutant.name
        return name not in known, hashlib.sha256(f"{seed} {name}".encode()).digest()

    every = sorted((each for file in files() for each in mutants(file)), key=order)
    return list(islice((each for each in every if is_code(each)), count))


def lines(file: Path) -> list[page.Line]:
    """What a file says of each mutant at last, in the order in which they were played first."""
    known: dict[str, page.Line] = {}
    if file.exists():
        for text in file.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            known[line["name"]] = line
    return [*known.values()]


def play(
    chosen: Sequence[Mutant], file: Path, workers: int, seconds: tuple[float, float], *, again: bool
) -> None:
    """Play what has no line in a file yet, or `again` what has survived, and write a line for each.

    Of survivors those first of which the fewest seconds were played.
    """
    told = lines(file)
    known = {line["name"] for line in told if page.caught(line) or not again}
    if again:
        known |= {each.name for each in chosen} - {line["name"] for line in told}
        seconds_of = {line["name"]: line["seconds"] for line in told}
        chosen = sorted(chosen, key=lambda mutant: seconds_of.get(mutant.name, 0))
    reached = reach.recorded(FOLDER)
    mutants_of: dict[int, Mutant] = {}
    wanted: set[str] = set()
    jobs: list[Job] = []

    def tell(mutant: Mutant, played: Played) -> None:
        by_room = played.by.startswith(room(mutant.edit.path))
        line = {"name": mutant.name, "operator": mutant.operator, "line": mutant.line, "by_room": by_room}
        line["again"] = again
        with file.open("a", encoding="utf-8") as out:  # one write, which no other worker's falls into
            out.write(json.dumps({**line, **played._asdict()}) + "\n")

    for mutant in chosen:
        if mutant.name in known:
            continue
        at_import, tests = choose(reached, mutant, seconds)
        if not tests:
            tell(mutant, Played("not reached"))
            continue
        job = Job(mutant.edit, tests, at_import)
        mutants_of[id(job)] = mutant
        jobs.append(job)
        wanted |= {name.partition("::")[0] for name, _ in tests}
    if jobs:
        player = Player(jobs, lambda job, played: tell(mutants_of[id(job)], played), workers)
        with folder_of_its_own() as folder:
            pytest.main([*OPTIONS, folder, *sorted(wanted)], plugins=[player])


def mistakes(words: Sequence[str]) -> int:
    """Play the mistakes that have these words in them, and say who noticed; 1 where nobody did."""
    missed = 0
    for each in chosen((*NAMED, *PLANTED), words):
        played = in_a_new_python(each.edit(), [(test, 1.0) for test in each.tests])
        missed += played.outcome == "survived"
        print(f"{played.outcome:8} {each.what}: {played.by or 'nobody'}", flush=True)
    return int(missed > 0)


def search(words: Sequence[str]) -> int:
    """Look for planted mistakes with random scenarios and with `fuzz`."""
    for each in chosen(PLANTED, words):
        for how in ("scenarios", "fuzz"):
            command = [
                sys.executable,
                "-m",
                "mutation.search",
                how,
                json.dumps([*vars(each.edit()).values()]),
                each.near,
            ]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
            print(f"{how:9} {each.what}: {done.stdout.strip()}", flush=True)
    return 0


def chosen(of: Sequence[Mistake], words: Sequence[str]) -> list[Mistake]:
    """Those that are meant; all of them without words."""
    return [each for each in of if not words or any(word in each.what for word in words)]


def survivors() -> int:
    """Write the survivors, in the order in which they were drawn, with the verdicts that there are."""
    verdicts = page.judged()
    for line in lines(SAMPLE):
        if not page.caught(line):
            verdict = verdicts.get(line["name"], "not judged")
            print(
                f"{line['name']}\n  line {line['line']}, {line['outcome']} ({line['tests']} tests): {verdict}\n"
            )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record")
    record.add_argument("--part", default="all", help="name of the file, where several processes record")
    record.add_argument("tests", nargs="*", default=TESTS)
    sampled = commands.add_parser("sample")
    sampled.add_argument("--count", type=int, default=1000)
    sampled.add_argument("--seed", type=int, default=0)
    sampled.add_argument("--workers", type=int, default=1)
    sampled.add_argument(
        "--again", action="store_true", help="play the survivors once more, with more seconds"
    )
    sampled.add_argument(
        "--seconds",
        type=float,
        nargs=2,
        default=SECONDS,
        help="what a mutant is worth of tests of its own room, and of others",
    )
    commands.add_parser("survivors")
    commands.add_parser("page")
    for name in ("mistakes", "search"):
        commands.add_parser(name).add_argument("words", nargs="*")
    options, more = parser.parse_known_args()
    match options.command:
        case "record":
            with folder_of_its_own() as folder:
                tests = [*OPTIONS, folder, "--maxfail=20", *options.tests, *more]
                return reach.record(ROOMS, FOLDER / f"{options.part}.reached", tests)
        case "sample":
            known = {line["name"] for line in lines(SAMPLE)}
            drawn = sample(options.count, options.seed, known)
            play(drawn, SAMPLE, options.workers, options.seconds, again=options.again)
        case "survivors":
            return survivors()
        case "page":
            every = [each.name for file in files() for each in mutants(file)]
            still = {*every}
            page.write([line for line in lines(SAMPLE) if line["name"] in still], len(every))
        case "mistakes":
            return mistakes(options.words)
        case "search":
            return search(options.words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
