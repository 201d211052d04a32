"""Scenarios that failed, each kept whole in a file of the working directory, so that anybody can run it again."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kubeinfer_sim.manifest.wrapping import wrap
from kubeinfer_sim.manifest.yaml_text import yaml_text

#: The folder, in the working directory.
KEPT = ".kubeinfer-sim"


def keep(
    document: Mapping[str, Any],
    sentence: str,
    name: str,
    folder: str | Path = KEPT,
    *,
    note: str = "",
    options: Sequence[str] = (),
) -> str:
    """Write a scenario that holds all it is made of; where it is now. The same one twice is one file.

    A file is there whole or not at all.

    Args:
        document: of kind Scenario (`scenario.self_contained`).
        sentence: what happens in it; a comment on top.
        name: how the file is called, before what tells it from others.
        folder: made if it is not there.
        note: one line more of comment, for programs.
        options: of the command that plays it, which stands under the sentence.

    Raises:
        OSError: it cannot be written.
    """
    comment = "".join(f"{line}\n" for line in wrap(f"# {sentence}", 100, later="# "))
    rest = (f"# {note}\n" if note else "") + yaml_text([document])
    # Its name is made of all but the command, which has the name in it.
    path = Path(folder, f"{name}-{hashlib.sha256((comment + rest).encode()).hexdigest()[:8]}.yaml")
    text = f"{comment}# {replay_of(str(path), options)}\n{rest}"
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return str(path)


def replay_of(path: str, options: Sequence[str] = ()) -> str:
    """The command that plays a file that was kept."""
    return shlex.join(["kubeinfer-sim", "run", path, *options])
