"""When a run begins, where a time of the calendar has to be given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: Of every run.
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def api_time(at: int) -> str:
    """A time of the run (ms) as the API server writes it: in whole seconds."""
    return (BEGINNING + timedelta(seconds=at // 1000)).strftime("%Y-%m-%dT%H:%M:%SZ")
