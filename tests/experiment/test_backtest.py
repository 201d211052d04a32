from __future__ import annotations

from math import inf

import pytest

from kubeinfer_sim.experiment.backtest.judging import Figure, figures_of
from kubeinfer_sim.experiment.rollout import Between, Rollout

USUAL = (("chat-2",), ("chat-1",), ("chat-0",))


def rollout(order: tuple[tuple[str, ...], ...], until: float) -> Rollout:
    return Rollout(Between(600, until), None, {}, order, 0)


def order_of(order: tuple[tuple[str, ...], ...], until: float) -> Figure:
    runs = [rollout(USUAL, 600)] * 39
    (figure,) = (each for each in figures_of(rollout(order, until), runs, drawn=True) if each.name == "order")
    return figure


@pytest.mark.parametrize(
    ("order", "until", "swaps", "judgement"),
    [
        (USUAL, 600, 0, "inside"),
        ((("chat-2",), ("chat-1",)), inf, 0, "inside"),
        ((("chat-2",), ("chat-1",)), 600, 1, "outside"),  # it was over: chat-0 was never replaced
        ((("chat-1",), ("chat-2",)), inf, 1, "outside"),
        ((("chat-0",),), inf, 2, "outside"),
        ((("chat-2",),), inf, 0, "not told"),  # the first one alone is no order yet
        ((("chat-2",),), 600, 2, "outside"),
        ((("chat-1", "chat-2"),), inf, 0, "inside"),  # within one second nothing tells which was first
    ],
)
def test_the_order_of_a_rollout_counts_as_far_as_it_has_come(
    order: tuple[tuple[str, ...], ...], until: float, swaps: int, judgement: str
) -> None:
    figure = order_of(order, until)
    assert (figure.truth, figure.judgement) == (Between(swaps, swaps), judgement)
