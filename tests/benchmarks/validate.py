"""What checking manifests costs: `python tests/benchmarks/validate.py [--write]`. Run by hand, asserted nowhere.

Printed are seconds of processor time, median (min-max) of some runs: files of about 3,000 and 50,000 lines in this
process (reading, all rules, lint), and whole processes from start to end on one small manifest, with the imports that entails.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from common import show, spread

from kubeinfer_sim.manifest.lint.catalogue import lint
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.yaml_tree import read_documents
from kubeinfer_sim.scenario.timings.expectations import expectations

RUNS = 11
SMALL = Path(__file__).parents[1] / "manifest" / "data" / "valid" / "06-mixed-single-role.yaml"


def long_file(lines: int) -> str:
    """The small manifest many times over, each with a name and a node port of its own."""
    text = SMALL.read_text(encoding="utf-8")
    count = round(lines / (text.count("\n") + 1))
    return "---\n".join(
        text.replace("infer-qwen3-mix", f"infer-{i}").replace("30093", str(30100 + i)) for i in range(count)
    )


def check(text: str) -> None:
    loaded = load_manifest([SourceText("long.yaml", text)])
    lint(loaded.written, expectations())


def process(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, capture_output=True)


def cpu_seconds() -> float:
    """Processor time of this process and those that it has waited for."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def row(what: str, run: Callable[[], object]) -> str:
    times = []
    run()
    for _ in range(RUNS):
        begun = cpu_seconds()
        run()
        times.append(cpu_seconds() - begun)
    return f"| {what} | {spread(times, 3)} |"


def main() -> None:
    gc.set_threshold(100_000)  # as the command line has it
    text, longer = long_file(3000), long_file(50_000)
    lines = text.count("\n")
    rows = [
        row(f"{lines:,} lines: YAML with positions", lambda: read_documents(SourceText("long.yaml", text))),
        row(f"{lines:,} lines: all rules and lint", lambda: check(text)),
        row(f"{longer.count(chr(10)):,} lines: all rules and lint", lambda: check(longer)),
        row("one small manifest: all rules and lint", lambda: check(read_source(str(SMALL)).text)),
        row("process: python -c pass", lambda: process("-c", "pass")),
        row("process: kubeinfer-sim --help", lambda: process("-m", "kubeinfer_sim", "--help")),
        row(
            "process: kubeinfer-sim validate", lambda: process("-m", "kubeinfer_sim", "validate", str(SMALL))
        ),
    ]
    show("validate", "\n".join(["| what | s |", "|---|---|", *rows]))


if __name__ == "__main__":
    main()
