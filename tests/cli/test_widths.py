"""What is said fits the terminal, in its characters, and no name, path or command is cut to make it fit."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from command_line import ROOT, process, sim

from kubeinfer_sim.manifest.wrapping import cells

S = "scenarios/down-first.yaml"
CHAT = "scenarios/manifests/chat.yaml"
#: Lines that are answered with more than one line of text.
MESSAGES = [
    f"run --json {CHAT}",
    f"run {CHAT} {CHAT}",
    "run nowhere.yaml --nope",
    f"why {S} --at 2026-07-28T10:30:00Z",
    f"why {S} --at 1h --instance chat-99",
    f"rollout {CHAT} --nodes ８x８",
    f"compare {S} --vary maxSurge=a",
    f"compare {S} --vary maxSurge=0 --assume scheduler=nobody",
    "explain KI999 --no-color",
    "results nowhere.db",
    f"validate {CHAT}",
    f"diff {CHAT} {S}",
    f"run {S} -q --store runs.db",
]


@pytest.mark.parametrize("columns", [40, 80, 140])
@pytest.mark.parametrize("line", MESSAGES)
def test_messages_are_as_wide_as_the_terminal_and_their_words_are_whole(line: str, columns: int) -> None:
    done, wide = sim(*line.split(), COLUMNS=str(columns)), sim(*line.split(), COLUMNS="100000")
    assert done.returncode == wide.returncode == 2
    long = [each for each in done.stderr.splitlines() if cells(each) > columns]
    # What is longer is one word, a command that people copy, or where a mistake stands.
    whole = r"`[^`]*`|^Usage.*|^Try.*|^\S+: error:"
    assert not [each for each in long if " " in re.sub(whole, "", each.strip())]
    commands = re.findall(r"`[^`\n]*`", wide.stderr)
    assert [each for each in commands if each not in done.stderr] == []


LONG = "deepseek-r1-671b-w8a8-prefill-decode-disaggregated-production"
LABEL = "node.kubernetes.io/kind-of-the-accelerator=kat2ne.48xlarge.8.ei.pod101-of-the-production-room"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = (ROOT / CHAT).read_text(encoding="utf-8")
    key, _, value = LABEL.partition("=")
    text = text.replace("name: chat", f"name: {LONG}", 1)
    text = text.replace("accelerator/huawei-npu: ascend-1980", f"{key}: {value}")
    (tmp_path / "long.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("details", [(), ("--details",)])
def test_a_report_does_not_cut_names(folder: Path, columns: int, details: tuple[str, ...]) -> None:
    values = [f"--set={each}" for each in ("replicas=2", "max_surge=1", "max_unavailable=0", "image=a")]
    line = ("rollout", "long.yaml", "--nodes", "2x8", *values, *details)
    done = sim(*line, cwd=folder, COLUMNS=str(columns))
    assert done.returncode == 1
    assert f"{LONG}-2" in done.stdout
    assert LABEL in done.stdout
    long = [each for each in done.stdout.splitlines() if len(each) > columns]
    assert not [each for each in long if LONG not in each and LABEL not in each]


def test_on_a_terminal_its_own_width_counts() -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 64, 0, 0))
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    words = [sys.executable, "-P", "-m", "kubeinfer_sim", "run", "scenarios/full-cluster-stall.yaml"]
    with subprocess.Popen(words, stdout=slave, stderr=slave, cwd=ROOT, env={**env, "TERM": "xterm"}) as run:
        os.close(slave)
        written = b""
        try:
            while data := os.read(master, 65536):
                written += data
        except OSError:  # the other end is closed
            pass
    os.close(master)
    assert run.returncode == 1
    lines = re.sub(r"\x1b\[[0-9;]*m", "", written.decode()).splitlines()
    assert 56 < max(map(len, lines)) <= 64


# -- in the terminal's characters --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "", "LC_CTYPE": "", "LANG": "C"},
        {"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"},
    ],
)
def test_in_the_c_locale_reports_and_messages_are_ascii(locale: dict[str, str]) -> None:
    for line in (
        "run scenarios/full-cluster-stall.yaml",
        "rollout scenarios/manifests/chat.yaml --nodes ８x８",
    ):
        done = process(*line.split(), PYTHONIOENCODING="", **locale)
        assert done.returncode in (1, 2)
        assert done.stderr.isascii()
        assert done.stdout.isascii()
        assert "\\u2718" not in done.stdout + done.stderr


def test_in_a_locale_of_utf_8_they_are_not() -> None:
    for locale in ({"LC_ALL": "C.UTF-8"}, {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}):
        assert (
            "✘" in process("run", "scenarios/full-cluster-stall.yaml", PYTHONIOENCODING="", **locale).stdout
        )


def test_what_is_for_programs_is_utf_8_everywhere() -> None:
    for line in ("schema scenario", "run scenarios/full-cluster-stall.yaml -o json"):
        plain, usual = process(*line.split(), PYTHONIOENCODING="ascii"), sim(*line.split())
        assert plain.stdout == usual.stdout
