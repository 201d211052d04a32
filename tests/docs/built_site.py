"""The documentation as a site, built as `.ci/run` and a reader build it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from command_line import ROOT

needs_mkdocs = pytest.mark.skipif(not find_spec("mkdocs"), reason="the site needs the extra [docs]")


def built(request: pytest.FixtureRequest, folder: Path) -> Path:
    """The folder with the built pages: that of `--site`, or this one."""
    given = request.config.getoption("--site")
    return Path(given) if given else build(folder)


def build(folder: Path) -> Path:
    """The folder with the built pages; a link or an anchor that leads nowhere fails it, but not with `--quiet`."""
    words = [
        "mkdocs",
        "build",
        "--strict",
        "-f",
        str(ROOT / "docs/site/mkdocs.yml"),
        "-d",
        str(folder),
    ]
    done = subprocess.run(
        [sys.executable, "-m", *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder
