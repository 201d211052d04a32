"""All benchmarks in one command: `python tests/benchmarks/all.py [--json FILE] [--write] [NAME ...]`. Run by hand.

Peers run beside ours where they are named: --airesim with a checkout of github.com/karthikp-ubc/airesim, --kubernetriks with
the program that `cargo build --release` makes of github.com/jellythefish/kubernetriks.

Each is a process of its own, one after the other; with --json the rows of all tables come into one document, beside what
they were measured on; with --write the tables go into docs/benchmarks.md. One that fails is told, and the others go on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: Counts first, then what measures time, the longest last.
NAMES = (
    "calls",
    "rollout",
    "faults",
    "memory",
    "growth",
    "placement",
    "airesim",
    "ticks",
    "dump",
    "validate",
    "examples",
    "start",
    "many",
    "batches",
)


def machine() -> dict[str, Any]:
    """What it was measured on, and how busy that was."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": [round(each, 2) for each in os.getloadavg()],
    }


def measured(name: str, own: list[str], *, write: bool) -> dict[str, Any]:
    """The rows of one benchmark's table, and how long it took; what went wrong where it fails."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        words = [
            sys.executable,
            str(HERE / f"{name}.py"),
            "--json",
            str(file),
            *(["--write"] if write else []),
            *own,
        ]
        done = subprocess.run(words, check=False)
        took = {"seconds": round(time.perf_counter() - begun, 1)}
        if done.returncode:
            return {"failed": done.returncode, **took}
        return {"rows": json.loads(file.read_text(encoding="utf-8"))[name], **took}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; if none is given, all"
    )
    parser.add_argument("--json", metavar="FILE", help="write the rows of all tables there")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    parser.add_argument("--airesim", metavar="FOLDER", help="AIReSim, to be run beside ours")
    parser.add_argument("--kubernetriks", metavar="FILE", help="Kubernetriks' program, likewise")
    options = parser.parse_args()
    peers = {
        "airesim": ["--original", options.airesim] if options.airesim else [],
        "placement": ["--kubernetriks", options.kubernetriks] if options.kubernetriks else [],
    }
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no benchmark {sorted(unknown)[0]}; there are {', '.join(NAMES)}")
    found: dict[str, Any] = {"measuredOn": machine(), "benchmarks": {}}
    for name in options.names or NAMES:
        print(f"\n{name}", flush=True)
        found["benchmarks"][name] = measured(name, peers.get(name, []), write=options.write)
        if options.json:
            Path(options.json).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    failed = [name for name, each in found["benchmarks"].items() if "failed" in each]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
