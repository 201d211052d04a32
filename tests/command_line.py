"""The command line, as tests call it: in this process, which takes a tenth of the time, or as a process of its own.

A process of its own is for what only one has: hash seeds, encodings, pipes, what it imports.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from kubeinfer_sim.cli.main import run

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote where."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def told(self) -> str:
        """What is on standard error on one line, as wide as it may be."""
        return " ".join(self.stderr.split())


def sim(*args: str, stdin: str = "", cwd: Path = ROOT, **env: str) -> Done:
    """Run `kubeinfer-sim` with these arguments in this process; its output goes to no terminal."""
    streams = [io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8", newline="\n") for text in (stdin, "", "")]
    with (
        mock.patch.multiple(sys, stdin=streams[0], stdout=streams[1], stderr=streams[2]),
        mock.patch.dict(os.environ, {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8", **env}),
        contextlib.chdir(cwd),
    ):
        code = run([*args])
    written = []
    for stream in streams[1:]:
        stream.flush()
        written.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return Done(code, *written)


def process(*args: str, stdin: str = "", **env: str) -> Done:
    """Run `kubeinfer-sim` with these arguments as a process; what it writes is read as UTF-8."""
    return _python("-m", "kubeinfer_sim", *args, stdin=stdin, env={"COLUMNS": "80", **env})


def python(code: str, **env: str) -> Done:
    """Run code in an interpreter of its own."""
    return _python("-c", code, stdin="", env=env)


def _python(*words: str, stdin: str, env: dict[str, str]) -> Done:
    done = subprocess.run(
        [sys.executable, "-P", *words],  # -P: of the package that is installed, not of the folder it runs in
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **env},
    )
    return Done(done.returncode, done.stdout, done.stderr)
