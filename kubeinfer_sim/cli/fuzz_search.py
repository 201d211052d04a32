"""The search of `fuzz` near what was given, and what it found, kept as a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kubeinfer_sim.cli.fuzz_asked import Asked, keep, on_page
from kubeinfer_sim.cli.invariants import BROKEN
from kubeinfer_sim.cli.output import look_of
from kubeinfer_sim.cli.replications import INTERRUPTED, UNDECIDED


def search_near(asked: Asked, vary: Sequence[str], phases: Sequence[str], drawn_from: int) -> int:
    """Search, tell what was found and keep it; the exit code. `drawn_from`: the seed of the search."""
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.testing.fuzz.counterexample import saved_ones
    from kubeinfer_sim.testing.fuzz.search import search
    from kubeinfer_sim.testing.fuzz.search_result import search_sentence

    begun = time.perf_counter()
    with ProgressBar("examples", at_most=True, shown=not asked.quiet) as bar:
        done = search(
            asked.document,
            vary=vary,
            phases=phases,
            saved=saved_ones(asked.document),
            most=asked.most,
            seconds=asked.seconds,
            drawn_from=drawn_from,
            run_timeout=asked.limits.run_timeout,
            run_memory=asked.limits.run_memory,
            progress=lambda number, total: bar.update(number, total, str),
        )
    took = time.perf_counter() - begun
    found = done.found
    kept = None
    if found is not None:
        invariants = bool(found.invariant)
        kept = keep(asked.document, found.document, found.sentence, found.differences, invariants=invariants)
        if kept is not None and found.saved_as not in ("", kept.path):
            Path(found.saved_as).unlink()  # it is now what it makes of what is given now

    def text() -> str:
        from kubeinfer_sim.testing.fuzz.search_screen import render_search

        return render_search(done, kept, **look_of(sys.stdout))

    def result() -> str:
        from kubeinfer_sim.testing.fuzz.document import search_json

        return search_json(done, kept)

    def junit() -> str:
        from kubeinfer_sim.testing.fuzz.document import search_junit

        return search_junit(done, asked.file)

    def markdown() -> str:
        from kubeinfer_sim.testing.fuzz.markdown import search_markdown

        return search_markdown(done, kept)

    def html() -> str:
        from kubeinfer_sim.testing.fuzz.page import search_page

        return on_page(search_page(done, kept, asked.origin()))

    runs = sum(done.examples.values())
    asked.write(
        search_sentence(done), took, runs, text=text, json=result, markdown=markdown, junit=junit, html=html
    )
    if found is not None:
        return BROKEN if found.invariant else 1
    if done.stopped == "interrupted":
        return INTERRUPTED
    return UNDECIDED if done.undecided else 0
