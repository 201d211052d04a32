"""Percentages are exact: no float knows what 29 % of 100 is."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from kubeinfer_sim.manifest.model import IntOrPercent


def test_every_percentage_of_every_number_up_to_two_hundred_is_rounded_from_its_exact_share() -> None:
    for value in range(101):
        budget = IntOrPercent(value, percent=True)
        for total in range(201):
            share = Fraction(value * total, 100)
            assert budget.of(total, round_up=True) == ceil(share), (value, total)
            assert budget.of(total, round_up=False) == floor(share), (value, total)
