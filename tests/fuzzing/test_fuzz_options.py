"""Whatever is given to an option, a command answers or says what is wrong with it."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

import pytest
from fuzzing.files import lay_out
from fuzzing.test_fuzz_commands import guarded
from sweeps import blocks

from kubeinfer_sim.cli.main import run

VALUES = (
    *(
        "",
        "0",
        "-1",
        "1",
        "x",
        "1e9",
        "99999999999",
        "nan",
        "5m",
        "-5m",
        "0s",
        "settled",
        "never",
        "8x8",
        "0x8",
        "-",
    ),
    *(
        "99999x99999",
        "image=",
        "=",
        "image=a=b",
        "replicas=[1",
        "replicas={",
        "replicas=-1",
        "replicas=1e3",
        "a,b",
    ),
    *(
        "replicas=999999999",
        "nope.yaml",
        "/",
        ".",
        "both.yaml",
        "nodes.json",
        "everything.yaml",
        "Instance",
        "\x00",
    ),
    *(
        "Instance,",
        "Instance,Instance",
        "mod:fn",
        "os:getcwd",
        "startupCrash=",
        "startupCrash=rebuild,rebuild",
        "é",
    ),
    *(
        "startupCrash=x,y",
        "maxSurge=0,a",
        "maxSurge=",
        "spareNodes=-1,2",
        "label=on",
        "cluster=3x8,x",
        "seed=1,2",
    ),
    *(
        "horizon=1h,2h",
        "kubernetesVersion=1.31,2",
        "actions=[],1",
        "a.b.c=1,2",
        "\ud800",
        "$(x)",
        "%s",
        "x" * 5000,
    ),
)
OPTIONS = {
    "run down-first.yaml": ("--set", "--set-file", "--horizon", "--cluster", "--pods", "--seed", "-o", "-f"),
    "run everything.yaml": ("--set", "--set-file", "--horizon", "--cluster", "--pods", "--seed"),
    "why down-first.yaml --at 10m": ("--at", "--instance", "--set", "--horizon", "--seed"),
    "compare down-first.yaml": ("--recovery", "--assume", "--vary", "--seed", "--set", "--horizon"),
    "compare down-first.yaml --vary maxSurge=0,1": ("--assume", "--seed", "--set", "--horizon"),
    "rollout manifests/2p1d.yaml --set image=x": (
        "--nodes",
        "--cluster",
        "--name",
        "--set",
        "--timings",
        "--horizon",
        "--set-new",
        "-o",
    ),
    "validate manifests/2p1d.yaml --set image=x": ("--set", "--disable", "--nodes", "--format"),
    "calibrate past.json": ("--role-label", "--name"),
    "explain": ("",),
    "schema": ("",),
    "diff both.yaml manifests/2p1d.yaml": ("--set", "--set-file"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("options")
    lay_out(made)
    return made


def check(
    seed: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    rng = Random(seed)
    begin = rng.choice(list(OPTIONS))
    line = begin.split()
    for _ in range(rng.choice((1, 1, 2))):
        line += [part for part in (rng.choice(OPTIONS[begin]), rng.choice(VALUES)) if part]
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("KUBEINFER_SIM_DEBUG", "1")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with guarded():
        code = run(line)
    out, err = capsys.readouterr()
    if code in (0, 1, 2) and "Traceback" not in err and (code != 2 or out + err):
        return []
    return [f"seed {seed}: {[part[:60] for part in line]}: {code}\n{err[-1500:]}"]


def test_no_option_ends_in_anything_but_an_answer_or_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not [each for seed in range(150) for each in check(seed, folder, capsys, monkeypatch)]


@pytest.mark.parametrize("block", blocks(20, of_ci=3))
def test_no_option_of_three_thousand_ends_in_anything_but_an_answer_or_an_error(
    block: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = range(1000 + block * 150, 1150 + block * 150)
    assert not [each for seed in seeds for each in check(seed, folder, capsys, monkeypatch)]
