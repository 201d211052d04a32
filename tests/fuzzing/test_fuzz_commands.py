"""Whatever the files hold, a command answers or says what is wrong and where: no traceback, no exit 3, no hang."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType

import pytest
from fuzzing.files import lay_out, subject
from fuzzing.mutations import mutated
from sweeps import blocks

from kubeinfer_sim.cli.main import run

#: Far beyond what any of these runs takes, on any machine.
FOR_EVER = 600


#: A file with the line in it or as a whole, or what was typed; a mutant may be right, and no file be to blame.
NAMED = re.compile(r"\S+\.(yaml|json|csv)(:\d+|: )|--[a-z]+ |^error: compare counts", re.M)


class HangError(BaseException):
    """No `except Exception` catches it."""


@contextmanager
def guarded() -> Iterator[None]:
    """What goes on for ever is ended with a HangError, where the system has such a clock."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise HangError

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(FOR_EVER)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fuzz")
    lay_out(made)
    return made


def wrong(code: int, out: str, err: str, file: str, document: bool) -> list[str]:
    """What must not be in an answer; a `document` may be as wide as it likes."""
    found = []
    if code not in (0, 1, 2):
        found.append(f"exit code {code}")
    if "Traceback" in out + err:
        found.append("a traceback")
    if not all(line.isprintable() for line in (out + err).replace("\t", " ").split("\n")):
        found.append("characters that no terminal shows")
    said = out + err
    if code == 2 and not NAMED.search(said):
        found.append("neither a file nor an option is named")
    if code in (0, 1) and not document:
        found += [
            f"wider than 80 columns: {line}"
            for line in out.split("\n")
            if len(line) > 80 and " " in line.strip()
        ]
    return found


def check(
    seed: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    rng = Random(seed)
    file, line = subject(folder, rng)
    path = folder / file
    before = path.read_bytes()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("KUBEINFER_SIM_DEBUG", "1")
    try:
        path.write_bytes(mutated(before.decode(), rng))
        with guarded():
            code = run(line)
        out, err = capsys.readouterr()
        found = wrong(code, out, err, file, document=line[0] == "calibrate")
    finally:
        path.write_bytes(before)
    return [f"seed {seed}, {file}: {' '.join(line)}: {each}\n{err[-1500:]}" for each in found]


@pytest.mark.parametrize("block", range(4))
def test_no_file_ends_in_anything_but_an_answer_or_findings(
    block: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = range(block * 50, block * 50 + 50)
    assert not [each for seed in seeds for each in check(seed, folder, capsys, monkeypatch)]


@pytest.mark.parametrize("block", blocks(40, of_ci=6))
def test_no_file_of_four_thousand_ends_in_anything_but_an_answer_or_findings(
    block: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = range(10_000 + block * 100, 10_000 + block * 100 + 100)
    assert not [each for seed in seeds for each in check(seed, folder, capsys, monkeypatch)]
