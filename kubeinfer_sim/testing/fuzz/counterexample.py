"""What breaks something, as a scenario file that holds all it is made of and can be run from any folder.

Under the sentence on top of it stands what makes it of what was given: the next search does that again to what is then
given, before it draws anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.file_kinds import only_document
from kubeinfer_sim.manifest.source import read_source
from kubeinfer_sim.testing.fuzz.cases import Document
from kubeinfer_sim.testing.fuzz.patch import edited, edits_between, read_edits, written
from kubeinfer_sim.testing.fuzz.varied import names_of
from kubeinfer_sim.testing.kept import KEPT, keep, replay_of

#: How the files begin that are kept, and the line of their edits.
NAME, EDITS = "fuzz", "edits: "


class Counterexample(Struct, frozen=True):
    """Attributes:
    path: of the file.
    sentence: what happens in it.
    differences: from what was given.
    invariants: it is an invariant that is broken.
    """

    path: str
    sentence: str
    differences: tuple[str, ...]
    invariants: bool = False

    @property
    def replay(self) -> str:
        """The command that plays it."""
        return replay_of(self.path, _options(self.invariants))


def keep_counterexample(
    given: Document,
    found: Mapping[str, Any],
    sentence: str,
    differences: tuple[str, ...],
    *,
    invariants: bool = False,
) -> Counterexample:
    """Keep a scenario that breaks something, with what makes it of what was given.

    Raises:
        OSError: it cannot be written.
    """
    note = EDITS + written(list(edits_between(given, found)))
    path = keep(found, sentence, NAME, note=note, options=_options(invariants))
    return Counterexample(path, sentence, differences, invariants)


def _options(invariants: bool) -> list[str]:
    """Of the command that plays one: an invariant shows only where it is looked for."""
    return ["--check-invariants"] if invariants else []


class Saved(Struct, frozen=True):
    """A counterexample that was kept earlier.

    Attributes:
        document: what was given now, edited as it was then; None where that cannot be done any more.
        edits: the names of what is edited, as `--vary` has them.
    """

    path: Path
    document: dict[str, Any] | None
    edits: frozenset[str] = frozenset()

    def drop(self) -> None:
        """It breaks nothing any more."""
        self.path.unlink(missing_ok=True)


def saved_ones(given: Document) -> list[Saved]:
    """Those of the same scenario in the working directory, in the order of their names."""
    saved = []
    for path in sorted(Path(KEPT).glob(f"{NAME}-*.yaml")):
        try:
            source = read_source(str(path))
            document = only_document(source, "Scenario")
        except InputError:
            continue
        lines = [line for line in source.text.splitlines() if line.startswith(f"# {EDITS}")]
        if not lines or document.value["metadata"]["name"] != given["metadata"]["name"]:
            continue
        try:
            edits = read_edits(lines[0].removeprefix(f"# {EDITS}"))
            saved.append(Saved(path, edited(given, edits), frozenset(names_of(edits))))
        except (LookupError, TypeError, ValueError, AttributeError):
            saved.append(Saved(path, None))
    return saved
