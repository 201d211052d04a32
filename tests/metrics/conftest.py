"""A user in a folder, as `tests/field` has one, for what of a measure is seen through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from field.user import User


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)
