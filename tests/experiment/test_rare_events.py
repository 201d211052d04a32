"""Failure biasing with likelihood ratios, held to closed forms and to plain runs; where it does not apply, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import comb, fsum
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest
from command_line import ROOT, Done, sim
from yaml import safe_dump

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.rare.forced_run import PULL
from kubeinfer_sim.experiment.rare.likelihood import Likelihood
from kubeinfer_sim.experiment.rare_events import RareEvents, rare_events
from kubeinfer_sim.experiment.replications import replicate
from kubeinfer_sim.experiment.statistics.means import bounds, effective, weighted
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.load import load_scenario

Raw = dict[str, Any]
NPU = "huawei.com/ascend-1980"
POD = {
    "containers": [
        {"name": "engine", "image": "repo/vllm:v1", "resources": {"requests": {NPU: 1}, "limits": {NPU: 1}}}
    ]
}


def kubeinfer(replicas: int) -> Raw:
    """Instances of one pod with one NPU."""
    labels = {"app": "chat", "modelarts-infer-npu-reset-enable": "true"}
    role = {"name": "serve", "template": {"metadata": {"labels": labels}, "spec": POD}}
    return {
        "apiVersion": "infer.modelarts.huaweicloud/v1",
        "kind": "KubeInfer",
        "metadata": {"name": "chat"},
        "spec": {"replicas": replicas, "template": {"spec": {"roles": [role]}}},
    }


def deployment(replicas: int) -> Raw:
    """The same pods as a Deployment."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "chat"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "chat"}},
            "template": {"metadata": {"labels": {"app": "chat"}}, "spec": POD},
        },
    }


#: A card fails once in a hundred days, and is replaced after a day on average.
CARDS = {"name": "cards", "kind": "CardDrop", "rate": "1 per 100d", "repair": {"exponential": "1d"}}


def document(
    *,
    replicas: int = 4,
    nodes: int = 4,
    ready: int = 3,
    workload: Callable[[int], Raw] = kubeinfer,
    **spec: Any,
) -> Raw:
    return {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Scenario",
        "metadata": {"name": "rare"},
        "spec": {
            "manifest": workload(replicas),
            "cluster": f"{nodes}x1",
            "timings": {"profile": "zero"},
            "horizon": "50d",
            "faults": {"processes": [CARDS]},
            "objectives": {"availability": [{"ready": ready, "atLeast": "99.99%"}]},
            **spec,
        },
    }


def estimated(n: int, **fields: Any) -> RareEvents:
    return rare_events(load_scenario(SourceText("s.yaml", safe_dump(document(**fields)))), n)


def down(cards: int, crews: int, days: int, *, most: int) -> float:
    """For which part of the time more than `most` are down: a birth-death chain, from all up (Kolmogorov, Runge-Kutta)."""
    fail, mend = 1 / 100, 1.0
    states = range(cards + 1)

    def flow(p: list[float]) -> list[float]:
        change = [0.0] * (cards + 1)
        for d in states:
            up, back = (cards - d) * fail * p[d], min(d, crews) * mend * p[d]
            change[d] -= up + back
            if d < cards:
                change[d + 1] += up
            if d:
                change[d - 1] += back
        return change

    p, step, total = [1.0, *[0.0] * cards], 1 / 50, 0.0
    for _ in range(days * 50):
        a = flow(p)
        b = flow([x + step / 2 * y for x, y in zip(p, a, strict=True)])
        c = flow([x + step / 2 * y for x, y in zip(p, b, strict=True)])
        d = flow([x + step * y for x, y in zip(p, c, strict=True)])
        p = [x + step / 6 * (e + 2 * f + 2 * g + h) for x, e, f, g, h in zip(p, a, b, c, d, strict=True)]
        total += sum(p[most + 1 :]) * step
    return total / days


@pytest.mark.parametrize(
    ("runs", "crews", "fields"),
    [
        (250, 4, {"ready": 3}),
        pytest.param(500, 4, {"ready": 3}, marks=pytest.mark.sweep),
        pytest.param(
            500,
            1,
            {"ready": 3, "faults": {"processes": [CARDS], "npus": {"crews": 1}}},
            marks=pytest.mark.sweep,
        ),
        (250, 4, {"replicas": 3, "ready": 3}),
        pytest.param(500, 4, {"replicas": 3, "ready": 3}, marks=pytest.mark.sweep),
        pytest.param(1600, 4, {"ready": 2, "horizon": "20d"}, marks=pytest.mark.sweep),
    ],
    ids=[
        "few",
        "as many crews as needed",
        "one crew",
        "few with a spare node",
        "a spare node",
        "three of four down",
    ],
)
def test_k_of_n_with_repair_comes_to_its_closed_form(runs: int, crews: int, fields: Raw) -> None:
    found = estimated(runs, **fields)
    (event,) = found.events
    replicas = fields.get("replicas", 4)
    days = int(fields.get("horizon", "50d").removesuffix("d"))
    exact = down(4, crews, days, most=4 - replicas + (replicas - fields["ready"]))
    number = event.unavailability
    assert event.missed > min(runs / 5, 100)
    if number.low is None or number.high is None:  # too few to say: within four standard errors
        assert number.mean == pytest.approx(exact, rel=4 / event.effective**0.5)
    else:
        assert number.low <= exact <= number.high
        assert number.high - number.low < 1.5 * exact * (500 / min(runs, 500)) ** 0.5


def test_a_deployments_pods_come_to_what_plain_runs_come_to() -> None:
    faults = {"processes": [{"kind": "NodeReboot", "per": "node", "rate": "1 per 2d"}]}
    fields: Raw = {"workload": deployment, "horizon": "5d", "faults": faults, "ready": 4}
    (event,) = estimated(150, **fields).events
    scenario = load_scenario(SourceText("s.yaml", safe_dump(document(**fields))))
    plain = replicate(scenario, 75)
    lost = [1 - each.judged[0].measured / 100 for each in plain.runs if each.judged[0].measured is not None]
    exact, error = fsum(lost) / len(lost), (fsum(x * x for x in lost) / len(lost) ** 2) ** 0.5
    assert event.unavailability.low is not None
    assert event.unavailability.high is not None
    assert event.unavailability.low - 3 * error < exact < event.unavailability.high + 3 * error
    assert event.outages.low is not None
    assert event.outages.high is not None
    assert event.outages.low < 10 * (1 - exact) < event.outages.high, (
        "4 nodes reboot 2.5 times, rarely two at once"
    )


# -- the weights --------------------------------------------------------------------------------------------


def toy(source: Random, *, cards: int, ready: int) -> float:
    """What a forced run of the same chain adds to the unavailability, without a simulator."""
    rate = cards / 100
    likelihood, now, total, missed = Likelihood([rate], 0), 0.0, 0.0, False
    mended, faults = {0: source.expovariate(1)}, [0.0]
    while mended:
        recent = max(1, sum(now - each < 1 for each in faults))
        likelihood.add(0.0 if missed else PULL * recent, now)  # type: ignore[arg-type]
        then = min(*mended.values(), fault := now + source.expovariate(rate + likelihood.added))
        if cards - len(mended) < ready:
            total += likelihood.integral(now, then)  # type: ignore[arg-type]
        now = then
        if now == fault:
            likelihood.fault(0, now)  # type: ignore[arg-type]
            faults.append(now)
            mended.setdefault(source.randrange(cards), now + source.expovariate(1))
        else:
            mended = {card: at for card, at in mended.items() if at > now}
        missed |= cards - len(mended) < ready
    return rate * total


def test_nominal_95_percent_intervals_of_weighted_runs_cover() -> None:
    source = Random(7)
    broken = 0.01 / 1.01
    whole = (1 - broken) ** 4
    exact = sum(comb(4, d) * broken**d * (1 - broken) ** (4 - d) for d in (2, 3, 4))
    covered, batches = 0, 250
    for _ in range(batches):
        values = [toy(source, cards=4, ready=3) * (source.random() < whole) for _ in range(600)]
        low, high = bounds(values)
        covered += low <= exact <= high
    assert 0.91 <= covered / batches <= 0.985, "94 to 97 %, give or take three standard errors"


def test_few_weights_that_count_for_all_are_too_few_to_say() -> None:
    assert weighted([1.0] * 200).mean == 1
    few = [0.0] * 1000 + [1e-9] * 200 + [1.0] * 3
    assert effective(few) == pytest.approx(3, rel=1e-3)
    assert (weighted(few).low, weighted(few).reason) == (None, "too few to say")
    assert weighted([0.0] * 1000 + [1.0] * 99).high is None, "99 runs with anything in them"
    assert weighted([0.0] * 1000 + [1.0] * 100).high is not None


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
def test_likelihood_ratios_are_one_on_average_however_near_the_horizon_is(
    workload: Callable[[int], Raw],
) -> None:
    """What ends with the horizon and not with the disturbance is weighed right, too."""
    found = estimated(400, workload=workload, replicas=2, nodes=2, ready=1, horizon="3d")
    ratios = [each.values["rare/likelihoodRatio"] for each in found.runs]
    weights = [1.0 if each is None else each for each in ratios]
    mean = fsum(weights) / len(weights)
    error = (fsum((each - mean) ** 2 for each in weights) / len(weights) ** 2) ** 0.5
    assert error < 0.05
    assert abs(mean - 1) < 4 * error


# -- on the command line ------------------------------------------------------------------------------------


def run(folder: Path, *options: str, **fields: Any) -> Done:
    (folder / "s.yaml").write_text(safe_dump(document(**fields)), encoding="utf-8")
    return sim("run", "s.yaml", "--rare", *options, cwd=folder)


@pytest.mark.parametrize(
    ("objectives", "code", "said"),
    [
        ({"availability": [{"ready": 4, "atLeast": "90%"}]}, 0, "✔ At least 4 ready but for"),
        ({"availability": [{"ready": 4, "atLeast": "99.9%"}]}, 1, "✘ At least 4 ready but for"),
        ({"availability": [{"ready": 2, "atLeast": "99.9999%"}]}, 4, "? At least 2 ready: too few"),
        ({"minReadyInstances": {"value": 4, "probability": "50%"}}, 0, "✔ At least 4 ready but for"),
        ({"minReadyInstances": {"value": 4, "probability": "99%"}}, 1, "✘ At least 4 ready but for"),
        ({"minReadyInstances": 4}, 4, "? At least 4 ready but for"),
    ],
)
def test_the_exit_code_says_held_missed_or_undecided(
    tmp_path: Path, objectives: Raw, code: int, said: str
) -> None:
    done = run(tmp_path, "-n", "150", "--workers", "1", objectives=objectives, horizon="2d")
    assert (done.returncode, done.stdout[: len(said)]) == (code, said)
    assert max(map(len, done.stdout.splitlines())) <= 80


FIXED = [{"at": "1d", "fault": {"kind": "CardDrop", "node": "node-0"}}]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"faults": {}}, "nothing in it fails by chance: it takes fault processes with a rate (spec.faults)"),
        (
            {"faults": {}, "actions": FIXED},
            "its faults come at fixed times, in every run: nothing about them is rare",
        ),
        (
            {"actions": FIXED},
            "something is done in it at a fixed time (update, actions), and so in every run",
        ),
        (
            {
                "faults": {
                    "processes": [{"kind": "CardDrop", "every": {"weibull": {"shape": 2, "mean": "9d"}}}]
                }
            },
            "their next one depends on when the last one was",
        ),
        (
            {"faults": {"processes": [{"kind": "CardDrop", "every": {"empirical": ["9d", "1d"]}}]}},
            "only those of a constant rate",
        ),
        ({"initial": "empty"}, "it begins empty: let all run at the start (initial: running)"),
        ({"objectives": {"noStall": True}}, "say what is rare, by objectives: minReadyInstances"),
        ({"nodes": 3}, "not all is ready though no fault has struck: that is not rare"),
    ],
)
def test_where_it_does_not_apply_it_is_refused_with_the_reason(
    tmp_path: Path, fields: Raw, said: str
) -> None:
    done = run(tmp_path, "-n", "20", **fields)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--rare is about many runs: say how many with -n"),
        (["--precision", "5%"], "--rare takes a number of runs"),
        (["-n", "9", "-o", "junit"], "-o junit is not there for --rare: text and json are"),
        (["-n", "9", "--details"], "are about runs as they are, --rare forces them"),
    ],
)
def test_what_forced_runs_do_not_have_is_said(tmp_path: Path, options: list[str], said: str) -> None:
    done = run(tmp_path, *options)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_weights_are_in_the_document_and_in_the_store_whoever_plays_the_runs(tmp_path: Path) -> None:
    plain = run(tmp_path, "-n", "24", "-o", "json", "--workers", "1")
    again = run(tmp_path, "-n", "24", "-o", "json", "--workers", "2", "--store", "c.db")
    assert plain.stdout == again.stdout
    found = json.loads(plain.stdout)
    schema = json.loads((ROOT / "docs" / "schemas" / "rareevents.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    assert len(found["perRun"]["likelihoodRatio"]) == 24
    mean = fsum(found["perRun"]["values"]["0/unavailability"]) / 24
    assert found["events"][0]["unavailability"]["value"] == pytest.approx(mean)
    rows = json.loads(sim("results", "c.db", "-o", "json", cwd=tmp_path).stdout)["rows"]
    assert [each["rare/likelihoodRatio"] for each in rows] == found["perRun"]["likelihoodRatio"]
    assert "forced runs" in sim("results", "c.db", cwd=tmp_path).stdout


def test_a_store_is_gone_on_with_and_not_mixed_with_plain_runs(tmp_path: Path) -> None:
    run(tmp_path, "-n", "8", "--workers", "1", "--store", "c.db")
    more = run(tmp_path, "-n", "16", "-o", "json", "--workers", "1", "--store", "c.db")
    assert more.stdout == run(tmp_path, "-n", "16", "-o", "json", "--workers", "1").stdout
    mixed = sim("run", "s.yaml", "-n", "16", "--store", "c.db", cwd=tmp_path)
    assert mixed.returncode == 2
    assert "its runs are of other inputs" in mixed.told


def test_a_run_that_fails_leaves_open_what_would_be_held() -> None:
    held = estimated(150, objectives={"availability": [{"ready": 4, "atLeast": "90%"}]}, horizon="5d")
    assert held.decision is Decision.HELD
