"""Which tests should know of a change: those that run the line, of its own room first, the quick and the various first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from mutation.operators import Mutant
from mutation.reach import Reached

#: How many seconds of tests a mutant is worth: of those of its room, and of the others.
SECONDS = (1.0, 1.5)
#: Tests of what runs at import: those that run most of the module.
OF_A_MODULE = 40


def room(path: str) -> str:
    """The folder of tests that owns a file of the package."""
    return f"tests/{path.split('/')[1]}/"


def choose(
    reached: Reached, mutant: Mutant, seconds: Sequence[float] = SECONDS
) -> tuple[bool, list[tuple[str, float]]]:
    """Whether it matters at import alone, and the tests in the order in which they are played, each with its seconds."""
    path = mutant.edit.path
    names = [] if mutant.at_import else reached.of(path, mutant.line)
    at_import = mutant.at_import or (not names and reached.runs_at_import(path, mutant.line))
    if at_import:
        names = reached.of_file(path)
    tests = [(name, max(reached.seconds[name], 0.001)) for name in names]
    own = [test for test in tests if test[0].startswith(room(path))]
    others = [test for test in tests if not test[0].startswith(room(path))]
    chosen = [*_worth(_various(own), seconds[0]), *_worth(_various(others), seconds[1])]
    return at_import, chosen[:OF_A_MODULE] if at_import else chosen


def _various(tests: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """The quickest case of each test, then the second of each, and so on."""
    cases: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for test in sorted(tests, key=lambda test: (test[1], test[0])):
        cases[test[0].partition("[")[0]].append(test)
    ranked = [(rank, seconds, name) for each in cases.values() for rank, (name, seconds) in enumerate(each)]
    return [(name, seconds) for _, seconds, name in sorted(ranked)]


def _worth(tests: list[tuple[str, float]], seconds: float) -> Iterator[tuple[str, float]]:
    for index, test in enumerate(tests):
        seconds -= test[1]
        if seconds < 0 and index:
            return
        yield test
