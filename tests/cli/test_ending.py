"""How the command's process ends: quickly, and with all that was to be done at its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from command_line import ROOT


def ended(program: str) -> tuple[int, str]:
    """The exit code of a Python that ends as the command does, with code 3, and what it printed.

    "taken apart" where Python ends it as ever, which begins with a SystemExit.
    """
    leaving = "from kubeinfer_sim.cli.main import leave\ntry: leave(3)\nexcept SystemExit: print('taken apart'); raise"
    words = [sys.executable, "-c", f"{program}\n{leaving}"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_what_is_registered_for_the_end_is_done_and_nothing_is_taken_apart() -> None:
    assert ended("import atexit; atexit.register(print, 'at exit')") == (3, "at exit\n")


def test_what_is_printed_to_the_end_is_printed() -> None:
    assert ended("import atexit, sys; atexit.register(sys.stdout.write, 'no newline')") == (3, "no newline")


def test_what_another_thread_still_does_is_waited_for() -> None:
    thread = (
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.1), print('done'))).start()"
    )
    assert ended(thread) == (3, "taken apart\ndone\n")


def test_where_somebody_traces_python_ends_as_ever() -> None:
    assert ended("import sys; sys.settrace(lambda *_: None)") == (3, "taken apart\n")
    assert ended("import sys; sys.setprofile(lambda *_: None)") == (3, "taken apart\n")


def test_a_profiler_writes_what_it_has_seen(tmp_path: Path) -> None:
    file = tmp_path / "profile"
    words = [sys.executable, "-m", "cProfile", "-o", str(file), "-m", "kubeinfer_sim", "--version"]
    subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
    assert file.stat().st_size > 0
