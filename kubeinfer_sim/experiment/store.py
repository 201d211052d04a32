"""A campaign on disk: one SQLite file with what every run came to; what was interrupted goes on where it stopped.

There is one writer, the parent of all workers. It holds SQLite's write lock from one commit to the next, so that a
second one is refused and one that was killed leaves nothing behind; readers are never held up (write-ahead log).
"""

from __future__ import annotations

import errno
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from kubeinfer_sim._version import __version__
from kubeinfer_sim.errors import OutputError, UsageError
from kubeinfer_sim.experiment.common_end import Growth
from kubeinfer_sim.experiment.figures import Flaw
from kubeinfer_sim.experiment.fingerprint import differences, fingerprint
from kubeinfer_sim.experiment.replication import Failure, Replication, Times, Variant
from kubeinfer_sim.experiment.rollout import Rollout
from kubeinfer_sim.experiment.worker import TIMEOUT, Played

#: "KIsc": whose file it is, and in which form (`PRAGMA application_id`, `user_version`).
APPLICATION, FORM = 0x4B497363, 4
#: A commit at the latest after so many runs, or so many seconds.
COMMIT_RUNS, COMMIT_SECONDS = 100, 1.0
#: Bytes of a page: a row of one or two thousand fits; what does not fit a quarter of one would take a page of its own.
PAGE = 16_384
#: How long a campaign waits at its begin for who reads the file.
READERS_MS = 5_000
#: Of the differences to what a store is of, so many are told.
_TOLD = 3

_TABLES = """
CREATE TABLE campaign (version TEXT NOT NULL, scenario TEXT NOT NULL);
CREATE TABLE variants (
    variant INTEGER PRIMARY KEY, name TEXT NOT NULL, settings TEXT NOT NULL, inputs TEXT NOT NULL
);
CREATE TABLE runs (
    variant INTEGER NOT NULL, seed INTEGER NOT NULL,
    outcome TEXT NOT NULL,  -- of a run that failed why: error, fault, timeout
    duration REAL,          -- ms; infinite when the change was not in place at the end, null when there was none
    held INTEGER,           -- whether every objective was
    lost INTEGER,           -- instance-ms, and pod-ms of Deployments and their like
    figures TEXT NOT NULL,  -- column -> number, as JSON; of a run that failed its message
    rest BLOB,              -- objectives, causes, faults, how it goes on
    PRIMARY KEY (variant, seed)
) WITHOUT ROWID;
"""


class _Rest(msgspec.Struct, array_like=True):
    """What of a replication has no column of its own."""

    flaws: tuple[Flaw, ...]
    judged: tuple[Any, ...]
    lost: dict[str, dict[str, int]]
    struck: dict[str, int]
    times: dict[str, Times]
    by_chance: bool
    ended_at: int
    growing: dict[str, tuple[Growth, ...]]
    missing: dict[str, dict[str, int]]
    faults_missed: int = 0
    rollouts: dict[str, Rollout] = msgspec.field(default_factory=dict)


class Store:
    """The file, open for writing; make it with `opened`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection = path, connection
        self._since, self._committed = 0, time.monotonic()

    def get(self, variant: int, seed: int) -> Played | None:
        """What came of a seed; None when that is not known yet, or it was given up: it may have more time now."""
        with _told(self._path):
            row = self._connection.execute(
                "SELECT outcome, duration, figures, rest FROM runs WHERE variant = ? AND seed = ?",
                (variant, seed),
            ).fetchone()
            return None if row is None or row[0] == TIMEOUT else _played(seed, *row)

    def put(self, variant: int, played: Played) -> None:
        """Keep what came of a seed; that a worker died of it is not kept, for another may not."""
        if isinstance(played, Failure) and played.why == "died":
            return
        with _told(self._path):
            self._connection.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (variant, *_row(played))
            )
            self._since += 1
            if self._since >= COMMIT_RUNS or time.monotonic() - self._committed >= COMMIT_SECONDS:
                self.commit()

    def commit(self) -> None:
        """Write what there is, and go on."""
        with _told(self._path):
            self._connection.execute("COMMIT")
            self._connection.execute("BEGIN IMMEDIATE")
        self._since, self._committed = 0, time.monotonic()

    def close(self) -> None:
        """Write what there is, and let go of the file: the one and whole, for whom it is given to next.

        While it is a write-ahead log, whoever reads it leaves files beside it that only a writer takes away.
        """
        try:
            with _told(self._path):
                if self._connection.in_transaction:  # where the disk is full SQLite has ended it itself
                    self._connection.execute("COMMIT")
            with suppress(sqlite3.Error):  # somebody reads it just now
                self._connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            self._connection.close()


@contextmanager
def opened(path: str | Path, variants: Sequence[Variant]) -> Iterator[Store]:
    """A store of runs of these variants, new or to be gone on with.

    Raises:
        UsageError: it is of other inputs or another version, another campaign writes to it, it is damaged or no store.
        OutputError: it cannot be written.
    """
    place = Path(path)
    _check_place(str(path), place)
    with _told(place):
        connection = sqlite3.connect(place, timeout=0, isolation_level=None)
    try:
        with _told(place):
            if not _check(place, connection):
                connection.execute(f"PRAGMA page_size = {PAGE}")
            _write_ahead(place, connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            _begin(place, connection, variants)
    except BaseException:
        connection.close()
        raise
    store = Store(place, connection)
    store.commit()
    try:
        yield store
    finally:
        store.close()


def _write_ahead(place: Path, connection: sqlite3.Connection) -> None:
    """Have readers and the campaign hold each other up no more; the change alone waits for who reads the file now.

    Raises:
        UsageError: somebody reads it for long.
    """
    connection.execute(f"PRAGMA busy_timeout = {READERS_MS}")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        raise UsageError(f"{place}: somebody reads it: wait for the end, or name a new file") from None
    connection.execute("PRAGMA busy_timeout = 0")


def reading(path: str | Path) -> sqlite3.Connection:
    """A store to read from, also while a campaign writes to it.

    Raises:
        UsageError: there is none, it is damaged, of another kind or newer.
    """
    place = Path(path)
    if place.is_dir():
        raise UsageError(f"{path}: is a folder, no store of runs")
    if not place.is_file():
        raise UsageError(f"{place}: no such file; `run -n 300 --store {place}` makes one")
    with _told(place):
        connection = sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True)
    try:
        with _told(place):
            if not _check(place, connection):
                raise UsageError(f"{place}: it is empty: no campaign has written to it")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_place(name: str, place: Path) -> None:
    """Whether there can be a file of this name.

    Raises:
        UsageError: there cannot.
    """
    if name in ("", "-"):
        raise UsageError(
            f"--store {name or repr(name)}: runs are kept in a file: name one, as in --store runs.db"
        )
    if place.is_dir():
        raise UsageError(f"--store {name}: is a folder: name a file in it, as in --store {place / 'runs.db'}")
    if not place.parent.is_dir():
        raise UsageError(f"--store {name}: there is no folder {place.parent}")


def _check(place: Path, connection: sqlite3.Connection) -> bool:
    """Whether there is something in it, and that is ours and in one piece."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (form,) = connection.execute("PRAGMA user_version").fetchone()
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables:
        return False
    if application != APPLICATION:
        raise UsageError(f"{place}: it is a database of something else, no store of runs; name a new file")
    if form != FORM:
        older = "an earlier" if form < FORM else "a later"
        raise UsageError(
            f"{place}: it is in form {form}, of {older} kubeinfer-sim; this one knows {FORM}: use that version"
        )
    (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if sound != "ok":  # it says so in terms of its own code
        raise sqlite3.DatabaseError("the check of its pages fails")
    return True


def _begin(place: Path, connection: sqlite3.Connection, variants: Sequence[Variant]) -> None:
    """Write what it is of, or hold it against what it is of already."""
    told = [(each.name, json.dumps(dict(each.settings)), json.dumps(fingerprint(each))) for each in variants]
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORM}")
        connection.execute("INSERT INTO campaign VALUES (?, ?)", (__version__, variants[0].scenario.name))
        connection.executemany(
            "INSERT INTO variants VALUES (?, ?, ?, ?)", [(place_, *each) for place_, each in enumerate(told)]
        )
        return
    ((version, _),) = connection.execute("SELECT version, scenario FROM campaign").fetchall()
    if version != __version__:
        raise UsageError(
            f"{place}: its runs are of kubeinfer-sim {version}, and this is {__version__}, which may play otherwise: "
            "name a new file"
        )
    before = connection.execute("SELECT name, settings, inputs FROM variants ORDER BY variant").fetchall()
    if [each[2] for each in before] != [each[2] for each in told]:
        what = "; ".join(_changes(before, told)) or "its variants"
        raise UsageError(
            f"{place}: its runs are of other inputs ({what}): name a new file, or undo the change"
        )
    # The same under another name: that of a file by another path.
    connection.executemany(
        "UPDATE variants SET name = ?, settings = ? WHERE variant = ?",
        [(name, settings, place_) for place_, (name, settings, _) in enumerate(told)],
    )


def _changes(before: Sequence[tuple[str, ...]], now: Sequence[tuple[str, ...]]) -> list[str]:
    names = [each[0] for each in before], [each[0] for each in now]
    if names[0] != names[1] and (len(before), len(now)) != (1, 1):
        return [f"variants {_some(names[0])}, now {_some(names[1])}"]
    found: list[str] = []
    for one, other in zip(before, now, strict=True):
        whose = f"{one[0]}: " if len(before) > 1 else ""
        for difference in differences(json.loads(one[2]), json.loads(other[2])):
            if len(found) == _TOLD:
                return [*found, "and more"]
            found.append(whose + difference.removeprefix("scenario."))
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _TOLD else f"{', '.join(names[:_TOLD])} … ({len(names)} in all)"


def _row(played: Played) -> tuple[Any, ...]:
    if isinstance(played, Failure):
        return played.seed, played.why, None, None, None, played.message, None
    rest = _Rest(
        played.flaws,
        played.judged,
        played.lost,  # type: ignore[arg-type]
        dict(played.struck),
        dict(played.times),
        played.by_chance,
        played.ended_at,
        dict(played.growing),
        played.missing,  # type: ignore[arg-type]
        played.faults_missed,
        dict(played.rollouts),
    )
    return (
        played.seed,
        played.outcome.value,
        played.duration,
        int(played.all_held),
        played.lost_in_all,
        msgspec.json.encode(played.values).decode(),
        msgspec.msgpack.encode(rest, enc_hook=_written),
    )


def _played(seed: int, outcome: str, duration: float | None, figures: str, rest: bytes | None) -> Played:
    if rest is None:
        return Failure(seed, outcome, figures)
    return _rebuilt(seed, outcome, duration, figures, rest)


def _rebuilt(seed: int, outcome: str, duration: float | None, figures: str, rest: bytes) -> Replication:
    kept = msgspec.msgpack.decode(rest, type=_Rest)
    return msgspec.convert(
        {
            "seed": seed,
            "outcome": outcome,
            "flaws": kept.flaws,
            "duration": duration,
            "values": json.loads(figures),
            "judged": kept.judged,
            "lost": kept.lost,
            "struck": kept.struck,
            "times": kept.times,
            "by_chance": kept.by_chance,
            "ended_at": kept.ended_at,
            "growing": kept.growing,
            "missing": kept.missing,
            "faults_missed": kept.faults_missed,
            "rollouts": kept.rollouts,
        },
        Replication,
        dec_hook=_read,
    )


def _written(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(type(value).__name__)


def _read(kind: type, value: Any) -> Any:
    if kind is Fraction:
        return Fraction(value)
    raise NotImplementedError(kind.__name__)


@contextmanager
def _told(place: Path) -> Iterator[None]:
    """What SQLite says is wrong with the file, in words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise UsageError(
                f"{place}: another campaign writes to it: wait for its end, or name a new file"
            ) from None
        if code == sqlite3.SQLITE_FULL:
            raise OutputError(f"--store {place}", OSError(errno.ENOSPC, "No space left on device")) from None
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR):
            raise OutputError(f"--store {place}", OSError(errno.EIO, str(error))) from None
        raise UsageError(f"{place}: {error}") from None
    except sqlite3.DatabaseError as error:
        raise UsageError(
            f"{place}: it is damaged, or no store of runs ({error}): name a new file, or restore this one"
        ) from None
