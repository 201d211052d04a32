"""Faults, drains, updates, scaling, init containers, pulls, preemption and a Deployment at once: sums and answers hold."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import jsonschema
import pytest
from fuzzing.everything import lay_out_everything
from fuzzing.files import ROOT, lay_out

from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.engine.meter import metered
from kubeinfer_sim.metrics.cause_kinds import ORDERS, record_name
from kubeinfer_sim.metrics.loss_stages import LossStages
from kubeinfer_sim.metrics.losses import Losses
from kubeinfer_sim.metrics.measure import Measures
from kubeinfer_sim.metrics.steps import segments
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.report.why import moment_of, render_why
from kubeinfer_sim.report.why_result import why_json
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

WHY = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs" / "schemas" / "why.schema.json").read_text("utf-8"))
)


def charges_add_up(assessment: Assessment) -> None:
    run, measures = assessment.run, assessment.measures
    assert sum(each.total for each in assessment.causes) == measures.whole.lost
    assert all(length > 0 for each in assessment.causes for length in each.lost.values())
    losses = metered(Losses(), run.history, ended_at=run.ended_at, end=run.end)
    open_ = [(loss.since, loss.until) for loss in losses]
    for since, _, (wanted, ready) in segments((measures.desired, measures.ready), 0, run.ended_at):
        assert sum(begin <= since < end for begin, end in open_) == max(0, wanted - ready)
    stages = LossStages({life.instance.uid: life for life in measures.instances})
    for loss in losses:
        edges = [edge for since, until, _ in stages.of(loss) for edge in (since, until)]
        assert (edges[0], edges[-1]) == (loss.since, loss.until)
        assert edges[1:-1:2] == edges[2:-1:2]


def nothing_is_unknown(assessment: Assessment) -> None:
    """Every cause is the beginning of its chain and something people know; every stage is one of those told."""
    for each in assessment.causes:
        record, kind = each.began_with, each.kind
        assert record is assessment.run.history[each.cause]
        assert record.cause == NO_CAUSE
        # Of what has no name of its own the type is told: a person's doing (out of service, force deletion).
        told = kind in ORDERS or kind != record_name(record) or kind in ("node out of service", "pod removed")
        assert told, kind
    for life in assessment.measures.instances:
        for pod in life.pods:
            for span in pod.spans:
                assert "unknown" not in str(span.stage).lower()


def why_agrees(run: Run, measures: Measures, rng: Random) -> None:
    known = sorted({life.instance.ordinal for life in measures.instances})
    edges = [record.at for record in rng.sample(list(run.history), min(4, len(run.history)))]
    for at in (0, run.ended_at, rng.randrange(run.ended_at + 1), *edges):
        for ordinal in (None, rng.choice(known)):
            moment = moment_of(run, f"{at}ms", ordinal)
            text = render_why(run, moment, ordinal)
            assert max(map(len, text.splitlines())) <= 80
            assert "in stage" not in text
            document = json.loads(why_json(run, moment))
            WHY.validate(document)
            assert (moment.wanted, moment.ready) == (measures.desired.at(at), measures.ready.at(at))
            for each in document["instances"]:
                # What is not ready has a cause; only what was so from the very beginning has none before it.
                assert each["state"] == "ready" or each["causes"] or each["sinceMs"] == 0


def check(seed: int, folder: Path) -> None:
    rng = Random(seed)
    lay_out(folder)
    run = simulate(load_scenario(str(lay_out_everything(folder, rng))))
    assessment = assess(run)
    assert max(map(len, render(assessment).splitlines())) <= 80
    charges_add_up(assessment)
    nothing_is_unknown(assessment)
    why_agrees(run, assessment.measures, rng)


@pytest.mark.parametrize("seed", range(12))
def test_with_everything_at_once_charges_add_up_and_why_answers(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.sweep
@pytest.mark.parametrize("block", range(50))
def test_with_everything_at_once_in_a_thousand_ways(block: int, tmp_path: Path) -> None:
    for seed in range(1000 + block * 20, 1000 + block * 20 + 20):
        check(seed, tmp_path)


@pytest.mark.parametrize("story", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_why_answers_at_any_moment_of_every_story(story: Path) -> None:
    run = simulate(load_scenario(str(story)))
    measures = assess(run).measures
    if measures.instances:
        why_agrees(run, measures, Random(story.stem))
