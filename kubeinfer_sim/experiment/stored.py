"""What is in a store, read without playing anything: its variants, their runs in numbers, rows, answers to SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isinf
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.means import estimate
from kubeinfer_sim.experiment.statistics.percentiles import PARTS, percentile
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.experiment.store import reading
from kubeinfer_sim.metrics import Outcome

#: Of a run that failed nothing is kept but why.
_FAILED = "rest IS NULL"
#: Nothing of what was asked for is missing at the end.
_FINISHED = (
    f"outcome NOT IN ('{Outcome.NEVER}', '{Outcome.UNFINISHED}') AND (duration IS NULL OR duration < 9e999)"
)


class StoredVariant(Struct, frozen=True):
    """The runs of one variant.

    Attributes:
        confidence: of the intervals: the scenario's.
        held: in which part of them all objectives were; None without objectives, and of forced runs.
        finished: in which part of them all was in place at the end; None of forced runs.
        took: percentiles of how long the change took (ms), as `PARTS` has them; empty where there was none, and of
            forced runs.
        lost: mean instance-ms lost, and pod-ms of Deployments and their like; None of forced runs.
    """

    name: str
    settings: str
    runs: int
    failed: int
    first_seed: int | None
    last_seed: int | None
    unfinished: int
    confidence: float
    held: Estimate | None
    finished: Estimate | None
    took: tuple[Estimate, ...]
    lost: Estimate | None


class Stored:
    """A store that is read, until the end of its `with`.

    Raises:
        UsageError: there is none, or it is damaged, of another kind or newer.
    """

    def __init__(self, path: str | Path) -> None:
        self._path, self._connection = Path(path), reading(path)
        ((self.version, self.scenario),) = self._connection.execute("SELECT version, scenario FROM campaign")

    @property
    def forced(self) -> bool:
        """Whether its runs are forced to what is rare: only their weighted means mean something."""
        ((number,),) = self._connection.execute(
            "SELECT count(*) FROM variants WHERE json_extract(inputs, '$.rare') IS NOT NULL"
        )
        return bool(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Let go of the file."""
        self._connection.close()

    def variants(self) -> list[StoredVariant]:
        """Each variant, in its order."""
        rows = self._connection.execute(
            "SELECT variant, name, settings, json_extract(inputs, '$.scenario.confidence') FROM variants "
            "ORDER BY variant"
        ).fetchall()
        return [self._variant(*row) for row in rows]

    def _variant(self, variant: int, name: str, settings: str, confidence: str) -> StoredVariant:
        ask = self._connection.execute
        ended = f"FROM runs WHERE variant = ? AND NOT {_FAILED}"
        ((every, first, last),) = ask(
            "SELECT count(*), min(seed), max(seed) FROM runs WHERE variant = ?", (variant,)
        )
        ((runs, held),) = ask(f"SELECT count(*), sum(held) {ended}", (variant,))
        took = [
            each
            for (each,) in ask(
                f"SELECT duration {ended} AND duration IS NOT NULL ORDER BY duration", (variant,)
            )
        ]
        ((finished,),) = ask(f"SELECT count(*) {ended} AND {_FINISHED}", (variant,))
        asked = ask(f"SELECT 1 {ended} AND figures LIKE '%\"objectives/%' LIMIT 1", (variant,)).fetchone()
        counts = runs > 0 and not self.forced
        lost = [float(each) for (each,) in ask(f"SELECT lost {ended}", (variant,))]
        sure = float(Fraction(confidence))
        return StoredVariant(
            name=name,
            settings=settings,
            runs=runs,
            failed=every - runs,
            first_seed=first,
            last_seed=last,
            unfinished=sum(map(isinf, took)),
            confidence=sure,
            held=proportion(held, runs, sure) if asked and counts else None,
            finished=proportion(finished, runs, sure) if counts else None,
            took=tuple(percentile(took, part, sure) for part in PARTS) if took and counts else (),
            lost=estimate(lost, sure) if lost and counts else None,
        )

    def rows(self) -> tuple[list[str], Iterator[list[Any]]]:
        """Names of the columns, and a row for each run by variant and seed, with every number there is."""
        names = [
            name
            for (name,) in self._connection.execute(
                f"SELECT DISTINCT key FROM runs, json_each(figures) WHERE NOT {_FAILED} ORDER BY key"
            )
        ]
        numbers = ", ".join("json_extract(figures, ?)" for _ in names)
        query = (
            "SELECT name, seed, outcome, duration, held, lost"
            f"{', ' if numbers else ''}{numbers.replace('json_extract(figures, ?)', _NUMBER)} "
            "FROM runs JOIN variants USING (variant) ORDER BY variant, seed"
        )
        found = self._connection.execute(query, [f'$."{name}"' for name in names])
        return ["variant", "seed", "outcome", "duration", "held", "lost", *names], map(list, found)

    def ask(self, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The answer to a question in SQL; the file is opened for reading alone.

        Raises:
            UsageError: it is no question that SQLite can answer.
        """
        if not query.strip():
            raise UsageError("--sql: expected a question, as in SELECT avg(duration) FROM runs WHERE held")
        self._connection.set_authorizer(_may)
        try:
            cursor = self._connection.execute(query)
            rows = cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise UsageError(
                f"--sql: {error}; the tables are runs (variant, seed, outcome, duration, held, lost, figures) and "
                "variants (variant, name, settings, inputs), and a SELECT reads them"
            ) from None
        finally:
            self._connection.set_authorizer(None)
        return [each[0] for each in cursor.description or ()], rows

    def failures(self) -> Sequence[tuple[str, int, str, str]]:
        """Of each run that failed its variant, seed, why, and the message."""
        return self._connection.execute(
            f"SELECT name, seed, outcome, figures FROM runs JOIN variants USING (variant) WHERE {_FAILED} "
            "ORDER BY variant, seed"
        ).fetchall()


_NUMBER = f"CASE WHEN {_FAILED} THEN NULL ELSE json_extract(figures, ?) END"


#: What a question does: it reads. All else, as ATTACH and VACUUM INTO, would write files.
_READS = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)


def _may(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY
