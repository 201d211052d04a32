"""When a run begins, where a time of the calendar has to be given."""

from __future__ import annotations

from datetime import UTC, datetime

#: Of every run.
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
