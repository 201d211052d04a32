"""Services on repairable hardware against closed forms; seeds are fixed, bounds are z-scores."""

from __future__ import annotations

import pytest
from published.comparing import MOST, z_of_count, z_of_mean
from published.page import SERIES_SEEDS
from published.repairable import MTBF, MTTR, SEEDS, SERVICES, Series, Service, shares

pytestmark = pytest.mark.any_version


@pytest.mark.parametrize("seeds", [3, pytest.param(SEEDS, marks=pytest.mark.sweep)])
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_all_instances_are_ready_for_as_long_as_the_closed_form_says(service: Service, seeds: int) -> None:
    values = [share[-1] for share in shares(service, seeds)]
    assert abs(z_of_mean(values, service.probability(service.instances))) < MOST


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES[:6], ids=lambda service: service.name)
def test_every_number_of_instances_is_ready_for_as_long_as_the_closed_form_says(service: Service) -> None:
    for least in range(max(1, service.instances - 1), service.instances + 1):
        values = [share[least - 1] for share in shares(service, 100)]
        assert abs(z_of_mean(values, service.probability(least))) < MOST, least


def test_the_closed_forms_are_the_textbook_ones() -> None:
    single = MTBF / (MTBF + MTTR)
    assert SERVICES[0].probability(1) == pytest.approx(single)
    assert SERVICES[1].probability(4) == pytest.approx(single**4)
    assert SERVICES[1].probability(3) == pytest.approx(single**4 + 4 * single**3 * (1 - single))


@pytest.mark.parametrize("seeds", [3, pytest.param(SERIES_SEEDS, marks=pytest.mark.sweep)])
@pytest.mark.parametrize(
    ("nodes", "published"), [pytest.param(8, 5.8e-4, marks=pytest.mark.sweep), (4, 2.9e-4)]
)
def test_hardware_alone_takes_as_much_of_an_instance_as_published(
    nodes: int, published: float, seeds: int
) -> None:
    series = Series(nodes)
    assert series.unavailability == pytest.approx(published, rel=0.005)
    played = series.played(seeds)
    assert abs(z_of_mean([lost for lost, _ in played], series.unavailability)) < MOST
    assert abs(z_of_count([faults for _, faults in played], series.faults())) < MOST
