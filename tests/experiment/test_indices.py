"""Indices of sensitivity equal the known ones of a closed form, through the code that scenarios go through."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sin

import pytest

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.indices import check_method, indices

#: Ishigami and Homma 1990 with a = 7, b = 0.1: of the variance alone, and in all (Saltelli et al. 2008, 4.8).
ISHIGAMI = {"x1": (0.3139, 0.5576), "x2": (0.4424, 0.4424), "x3": (0.0, 0.2437)}


def ishigami(rows: Sequence[Sequence[float]]) -> list[float]:
    points = ([2 * pi * each - pi for each in row] for row in rows)
    return [sin(one) + 7 * sin(two) ** 2 + 0.1 * three**4 * sin(one) for one, two, three in points]


def test_sobols_indices_are_those_of_ishigamis_function() -> None:
    pytest.importorskip("SALib")
    found = indices([*ISHIGAMI], ishigami, "sobol", samples=1024, seed=1)
    assert [each.name for each in found] == ["x1", "x2", "x3"], "the largest in all first"
    for each in found:
        alone, in_all = ISHIGAMI[each.name]
        assert each.first is not None
        assert each.first.mean == pytest.approx(alone, abs=0.05)
        assert each.total.mean == pytest.approx(in_all, abs=0.05)
        assert each.first.low is not None
        assert each.first.high is not None
        assert each.first.low <= alone <= each.first.high


def test_morris_tells_what_moves_from_what_does_not() -> None:
    pytest.importorskip("SALib")
    found = indices(
        ["none", "one", "three"], lambda rows: [one + 3 * three for _, one, three in rows], "morris"
    )
    assert [(each.name, round(each.total.mean, 6)) for each in found] == [
        ("three", 3),
        ("one", 1),
        ("none", 0),
    ]
    assert all(each.spread is not None and each.spread < 1e-9 for each in found), "it is linear"


@pytest.mark.parametrize(
    ("method", "samples", "said"),
    [("fast", None, "expected morris or sobol"), ("sobol", 100, "powers of two")],
)
def test_what_cannot_be_is_refused(method: str, samples: int | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_method(method, samples)


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubeinfer_sim.experiment.indices.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'kubeinfer-sim\[sensitivity\]'"):
        check_method("morris", None)
