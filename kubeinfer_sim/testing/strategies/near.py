"""The neighbourhood of what somebody has written: it with a few small edits, as a reviewer worries about them."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, TypeVar

from hypothesis import strategies as st

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.testing.strategies.edits import EDITS, Draft
from kubeinfer_sim.testing.strategies.edits.registry import objects_of
from kubeinfer_sim.testing.strategies.values import Draw, maybe, part, pick
from kubeinfer_sim.testing.strategies.written import MAIN, WrittenManifest, WrittenScenario

W = TypeVar("W", WrittenScenario, WrittenManifest)


def near(
    given: W, *, edits: int = 3, vary: Collection[str] = (), moments: Sequence[int] = ()
) -> st.SearchStrategy[W]:
    """What was given with up to so many small edits; it shrinks towards what was given.

    An edit with which the public reader would refuse the file is not made.

    Args:
        given: a scenario, `WrittenScenario.read("scenario.yaml")`, or a manifest, `WrittenManifest.read("chat.yaml")`.
        edits: how many at most.
        vary: the names of what may be edited; all of `EDITS` that there are for it, if none is given.
        moments: of a scenario, times at which something is likely to matter (a pod becomes ready), in ms.

    Raises:
        InputError: it is wrong as it is.
        ValueError: nothing of such a name can be edited, or not in a manifest.
    """
    given.load()
    alone = isinstance(given, WrittenManifest)
    known = [name for name, each in EDITS.items() if each.manifest or not alone]
    for name in vary:
        if name not in known:
            what = " of a manifest" if alone and name in EDITS else ""
            raise ValueError(
                f"nothing{what} is called {name}{did_you_mean(name, known)} (there are: {', '.join(known)})"
            )
    return _near(given, edits, tuple(vary) or tuple(known), tuple(moments))


@st.composite
def _near(draw: Draw, given: W, edits: int, vary: tuple[str, ...], moments: tuple[int, ...]) -> W:
    current = given
    for _ in range(edits):
        if not maybe(draw, 80):
            break
        current = part(draw, partial(_edited, current=current, vary=vary, moments=moments))
    return current


def _edited(draw: Draw, *, current: W, vary: tuple[str, ...], moments: tuple[int, ...]) -> W:
    """With one edit; as it is where nothing could be edited, or not so."""
    edit = EDITS[pick(draw, vary)]
    other, draft = _copied(current, moments)
    if not edit.make(draw, draft):
        return current
    try:
        other.load()
    except InputError:
        return current
    edited: W = other
    return edited


def _copied(current: WrittenScenario | WrittenManifest, moments: tuple[int, ...]) -> tuple[Any, Draft]:
    """A copy, and what edits see of it."""
    if isinstance(current, WrittenManifest):
        documents = copy.deepcopy(list(current.documents))
        return WrittenManifest(documents), Draft(documents)
    files = copy.deepcopy(dict(current.files))
    spec = files[MAIN][0]["spec"]
    objects = objects_of(spec)
    for name, beside in files.items():
        if name.endswith(".yaml") and name != MAIN:
            objects += [each for each in beside if each.get("kind") != "Cluster"]
    return WrittenScenario(files), Draft(objects, spec, current.load(), moments)
