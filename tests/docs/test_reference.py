"""Pages and listings that are made from the program are as it makes them now."""

from __future__ import annotations

import pytest
from command_line import ROOT

from docs import listings, picture, reference

pytestmark = pytest.mark.any_version


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_reference_is_current(name: str) -> None:
    written = (reference.FOLDER / name).read_text(encoding="utf-8")
    assert reference.PAGES[name]() == written, "PYTHONPATH=tests python -m docs.reference"


def test_the_listings_are_those_of_the_rollout_that_happened() -> None:
    written = {each.name: each.read_text(encoding="utf-8") for each in listings.FOLDER.iterdir()}
    made = {name: listings.text(each) for name, each in listings.listings().items()}
    assert made == written, "PYTHONPATH=tests python -m docs.listings"


def test_the_picture_of_the_readme_is_drawn_from_what_the_scenario_comes_to() -> None:
    assert picture.drawn_from() == picture.digest(picture.plot()), "PYTHONPATH=tests python -m docs.picture"
    assert f"docs/images/{picture.FILE.name}" in (ROOT / "README.md").read_text(encoding="utf-8")
