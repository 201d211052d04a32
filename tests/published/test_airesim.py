"""AIReSim's default job in our engine against what AIReSim publishes, and against closed forms."""

from __future__ import annotations

import pytest
from published.airesim import DAY, HOUR, MINUTE, Parameters, TrainingJob
from published.airesim_report import MEASURES, REPORTS, Escalation, replications
from published.comparing import MOST, z_of_count, z_of_mean
from student import student

pytestmark = pytest.mark.any_version

#: Replications where thirty are not needed.
FEW = 4


def agrees(escalation: Escalation, count: int) -> None:
    jobs = replications(escalation, count)
    for name, published in REPORTS[escalation].items():
        values = [MEASURES[name](job) for job in jobs]
        if published.deviation:
            assert abs(published.z(values)) < MOST, name
        else:
            assert set(values) == {published.mean}, name


def test_replications_agree_with_the_published_thirty() -> None:
    agrees("any", FEW)


@pytest.mark.sweep
def test_thirty_replications_agree_with_the_published_thirty() -> None:
    agrees("any", 30)
    ours = student([job.total / HOUR for job in replications("any", 30)])
    # The published mean lies in our interval, ours in the published one.
    assert ours.half is not None
    assert abs(ours.mean - 9865.97) < ours.half
    assert 9853.42 < ours.mean < 9878.52


def test_replications_with_their_corrected_escalation_agree_with_the_corrected_report() -> None:
    agrees("failed", FEW)


@pytest.mark.sweep
def test_thirty_replications_agree_with_the_corrected_report() -> None:
    agrees("failed", 30)


@pytest.mark.parametrize("count", [FEW, pytest.param(30, marks=pytest.mark.sweep)])
def test_failures_are_as_many_as_the_closed_form_says(count: int) -> None:
    jobs = replications("any", count)
    p = Parameters()
    assert abs(z_of_count([job.random_failures for job in jobs], 0.01 * 4096 * 256)) < MOST
    # Some bad servers of the spare pool are used too: about 2 failures more than the form has.
    assert abs(z_of_mean([job.failures for job in jobs], p.expected_failures)) < MOST


def test_the_published_closed_form_of_the_training_ratio_comes_out() -> None:
    p = Parameters()
    assert round(p.training_ratio(11_145.6), 4) == 0.6232  # with the failures AIReSim counted
    assert round(p.training_ratio(p.expected_failures), 4) == 0.6227  # with those to be expected


def test_every_moment_of_a_job_is_spent_in_one_way() -> None:
    for escalation in REPORTS:
        for job in replications(escalation, FEW):
            assert job.computing == job.parameters.job_length
            assert job.total == job.computing + job.recovering + job.selecting + job.waiting
            assert job.recovering == job.failures * 20 * MINUTE
            assert job.auto_repairs == job.failures  # what is under repair at the end is repaired too


def test_a_job_that_runs_out_of_servers_waits_for_repairs() -> None:
    few = Parameters(
        job_servers=8,
        working_pool=9,
        spare_pool=1,
        warm_standbys=1,
        failures_per_day=1.0,
        job_length=20 * DAY,
    )
    job = TrainingJob(few, 0).run()
    assert job.stalls > 0
    assert job.computing == few.job_length
    assert job.preemptions == 1  # and it never goes back to the pool


def test_a_run_repeats_to_the_millisecond() -> None:
    first, second = (TrainingJob(Parameters(job_length=8 * DAY), 7).run() for _ in range(2))
    assert (first.total, first.clock.fired) == (second.total, second.clock.fired)
