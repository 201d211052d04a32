"""The standard streams: closed, full, and read by somebody who has had enough."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO

import pytest
from command_line import ROOT, process

MANIFEST = "scenarios/manifests/2p1d.yaml"
#: Commands that print much or little, also what click prints itself.
COMMANDS = [
    "run scenarios/down-first.yaml",
    "run scenarios/down-first.yaml -o json",
    f"validate {MANIFEST} --set image=a/b:1",
    f"diff {MANIFEST} {MANIFEST} --set image=a/b:1",
    "schema scenario",
    "explain",
    "--help",
    "run --help",
    "--version",
]
#: One that writes a report, one that writes a document, and one of click's.
FEW = [COMMANDS[0], COMMANDS[1], "--help"]
needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110


def run_with(line: str, stdout: IO[bytes] | int, redirect: str = "") -> tuple[int, str]:
    """The exit code and what is said on standard error; `redirect` is for the shell."""
    words = [sys.executable, "-P", "-m", "kubeinfer_sim", *line.split()]
    command = ["sh", "-c", f'"$@" {redirect}', "sh", *words] if redirect else words
    done = subprocess.run(
        command, cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, check=False, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(("line", "unbuffered"), [*((line, "") for line in COMMANDS), (COMMANDS[0], "1")])
def test_a_reader_who_had_enough_ends_us_quietly_and_never_green(
    line: str, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    read, write = os.pipe()
    os.close(read)
    code, said = run_with(line, write)
    os.close(write)
    assert code == 141
    assert said == ""


@needs_full
@pytest.mark.parametrize("line", FEW)
def test_a_full_output_is_the_environments_fault_and_has_an_exit_code_of_its_own(line: str) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        code, said = run_with(line, full)
    assert code == 5
    assert said == "error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("line", FEW)
def test_a_closed_output_is_so_too(line: str) -> None:
    code, said = run_with(line, subprocess.DEVNULL, ">&-")
    assert code == 5
    assert said == "error: cannot write to standard output: it is closed\n"


def test_what_prints_nothing_needs_no_output() -> None:
    assert run_with("run scenarios/down-first.yaml -q", subprocess.DEVNULL, ">&-") == (0, "")


def test_a_closed_standard_error_changes_no_exit_code() -> None:
    assert run_with("run scenarios/down-first.yaml", subprocess.DEVNULL, "2>&-")[0] == 0
    assert run_with("run no-such-file.yaml", subprocess.DEVNULL, "2>&-")[0] == 2


def test_a_closed_standard_input_is_an_error_of_the_input() -> None:
    code, said = run_with("run -", subprocess.DEVNULL, "<&-")
    assert (code, said) == (2, "-: error: standard input is closed\n")


@needs_full
def test_a_full_disk_is_no_mistake_of_the_user() -> None:
    done = process("run", "scenarios/down-first.yaml", "-q", "--json", "/dev/full")
    assert done.returncode == 5
    assert done.stderr == "error: cannot write to --json /dev/full: No space left on device\n"
