"""What it takes to start: `python tests/benchmarks/start.py [--write]`. Run by hand, asserted nowhere.

Printed are processor times of whole processes, each the least of some runs, and by that of importing the libraries alone
in the same turn, the median of all turns: of two leasts each may have met another minute of the machine.
What a command imports is asserted in `tests/cli/test_start.py`, as counts.
"""

from __future__ import annotations

import compileall
import resource
import subprocess
import sys
from operator import truediv
from statistics import median

from common import ROOT, show

RUNS = 25
LIBRARIES = "import pydantic, yaml, simpy, rich, click, msgspec"
#: The same libraries, used for as little as can be: pydantic and rich import most of themselves only then.
USED = (
    f"{LIBRARIES}, rich.console, rich.table\n"
    "class Form(pydantic.BaseModel):\n    name: str\n"
    "rich.console.Console(file=open('/dev/null', 'w')).print(rich.table.Table('name'))"
)
MANIFEST = "tests/manifest/data/valid/06-mixed-single-role.yaml"
COMMANDS = {
    "`--help`": ["--help"],
    "`validate`, one small manifest": ["validate", MANIFEST],
    "`run`, a node of three is drained": ["run", "scenarios/drain-a-node.yaml"],
    "the same, `-o json`": ["run", "scenarios/drain-a-node.yaml", "-o", "json"],
    "`rollout`": ["rollout", MANIFEST, MANIFEST, "--nodes", "8x8"],
}


def processor_time(words: list[str]) -> float:
    """Seconds of user and system time of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *words], check=False, capture_output=True, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    processes = {
        "the libraries imported": ["-c", LIBRARIES],
        "the libraries used: one form, one table": ["-c", USED],
        **{name: ["-m", "kubeinfer_sim", *words] for name, words in COMMANDS.items()},
    }
    # As an installed package is: compiled, whatever PYTHONDONTWRITEBYTECODE says.
    compileall.compile_dir(ROOT / "kubeinfer_sim", quiet=1)
    times: dict[str, list[float]] = {name: [] for name in processes}
    for _ in range(RUNS):  # in turns, so that a busy minute strikes all of them
        for name, words in processes.items():
            times[name].append(processor_time(words))
    libraries = times["the libraries imported"]
    rows = [
        f"| {name} | {min(each) * 1000:.0f} | {median(map(truediv, each, libraries)):.2f} |"
        for name, each in times.items()
    ]
    show("start", "\n".join(["| process | CPU ms | by that of the libraries |", "|---|---|---|", *rows]))


if __name__ == "__main__":
    main()
