"""The recorded whole runs as the first users of `backtest`: how often its intervals hold what happened.

    python tests/e2e/backtests.py [--runs 199] [--write] [CASE ...]

Each recorded rollout is written as kubectl would have listed it (`as_listed.py`): before its change, every five seconds
during it, and at its end; and held against the scenario that a user would write of it (`scenarios.py`; of relatives of
KubeInfer under the switches by which they differ). --write puts the table into `docs/backtest.md`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from e2e import scenarios as of_kubernetes  # noqa: E402
from e2e.as_listed import Case, listing  # noqa: E402
from pydantic.alias_generators import to_camel  # noqa: E402
from relatives import scenarios as of_relatives  # noqa: E402
from relatives.page import RELATIVES  # noqa: E402
from relatives.recorded import place_of  # noqa: E402

from kubeinfer_sim.errors import InputError  # noqa: E402
from kubeinfer_sim.experiment.backtest.backtest import Backtest, backtest  # noqa: E402
from kubeinfer_sim.experiment.statistics.proportions import proportion  # noqa: E402
from kubeinfer_sim.manifest.kubeinfer import API_VERSION  # noqa: E402
from kubeinfer_sim.manifest.source import SourceText  # noqa: E402
from kubeinfer_sim.report.words import share_between  # noqa: E402

PAGE = TESTS.parent / "docs" / "backtest.md"
BEGINS, ENDS = (
    "<!-- recorded runs: made by tests/e2e/backtests.py --write -->",
    "<!-- end of recorded runs -->",
)
#: The tables, and whose runs they are.
KUBERNETES = "golden_e2e"
#: Steps that roll out a new template.
_CHANGES = ("image", "command", "merge")
EVERY_MS = 5_000


class Told(NamedTuple):
    """A recorded run beside its prediction; `why`: it cannot be."""

    table: str
    case: str
    run: str
    made: Backtest | None
    why: str = ""


def change_of(case: Case) -> int | None:
    """When the first change of a template is asked for, ms; None where there is none, or another one follows."""
    changes = [round(step[0] * 1000) for step in case["steps"] if step[1] in _CHANGES and _template(step)]
    return changes[0] if len(changes) == 1 and case["kind"] == "rollout" else None


def _template(step: Sequence[Any]) -> bool:
    return step[1] != "merge" or "Template" in json.dumps(step[4]) or "template" in json.dumps(step[4])


def times_of(case: Case, change: int) -> list[int]:
    """When it is listed: just before the change, during it, at the end."""
    end = round(case["end_s"] * 1000)
    return [change - 100, *range(change + EVERY_MS, end, EVERY_MS), end]


def tell(table: str, case: Case, runs: int) -> Iterator[Told]:
    """Each of the recorded runs of a case beside many simulated ones."""
    change = change_of(case)
    if change is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        try:
            if table == KUBERNETES:
                written = of_kubernetes.write(case)
                for name, text in of_kubernetes.as_files(written).items():
                    (place / name).write_text(text, encoding="utf-8")
                cannot = written.unknown
            else:
                relative = of_relatives.write(case)
                relative.scenario["spec"]["assumptions"] |= switches(table)
                for name, raw in (("manifest.yaml", relative.manifest), ("scenario.yaml", relative.scenario)):
                    (place / name).write_text(json.dumps(raw), encoding="utf-8")
                cannot = relative.cannot
            for run in case["runs"]:
                if cannot:
                    yield Told(table, case["id"], run, None, f"cannot be expressed: {', '.join(cannot)}")
                    continue
                listings = [
                    SourceText(f"{at}.json", json.dumps(_listed(table, case, run, at)))
                    for at in times_of(case, change)
                ]
                made = backtest(str(place / "scenario.yaml"), listings, n=runs)
                yield Told(table, case["id"], run, made)
        except InputError as error:
            yield Told(table, case["id"], "", None, str(error))


def switches(table: str) -> dict[str, Any]:
    """By what a KubeInfer comes nearest to a relative, as a scenario writes it."""
    written = {0: "0s", (0,): ["0s"]}
    return {to_camel(name): written.get(value, value) for name, value in RELATIVES[table][1].items()}


def _listed(table: str, case: Case, run: str, at: int) -> dict[str, Any]:
    if table == KUBERNETES:
        owner = next(each for step in case["steps"] for each in step[2:] if _is_deployment(each))
        template = owner["spec"]["template"]
        return listing(
            case, run, at, lambda subject, _: _of_deployment(owner, subject), lambda _: _images(template)
        )
    return listing(case, run, at, _of_instance, lambda _: {"main": "sim/here"})


def _is_deployment(written: object) -> bool:
    return isinstance(written, dict) and written.get("kind") == "Deployment"


def _images(template: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: str(each.get("image")) for each in template["spec"]["containers"]}


def _of_deployment(owner: dict[str, Any], subject: str) -> dict[str, Any] | None:
    replica_set, _, pod = subject.partition("/")
    if not pod:
        return None
    name = f"{owner['metadata']['name']}-{replica_set}"
    labels = owner["spec"]["template"]["metadata"]["labels"]
    return {
        "name": f"{name}-{pod}",
        "labels": {**labels, "pod-template-hash": replica_set},
        "ownerReferences": [{"kind": "ReplicaSet", "name": name, "controller": True}],
    }


def _of_instance(subject: str, created: str) -> dict[str, Any] | None:
    """Of a relative's pod the name it would have as a KubeInfer's."""
    place = place_of(subject.partition("#")[0])
    if place is None:
        return None
    instance = f"m-{place.ordinal}"
    return {
        "name": f"{instance}-{place.role}-{place.index}",
        "labels": {"controller-revision-hash": created.rsplit(maxsplit=1)[-1]},
        "ownerReferences": [
            {"apiVersion": API_VERSION, "kind": "Instance", "name": instance, "controller": True}
        ],
    }


def table_lines(told: Sequence[Told]) -> Iterator[str]:
    """How often each figure lay inside, in runs and in cases: of Kubernetes and of the relatives."""
    groups = {"Deployments": (KUBERNETES,), "relatives of KubeInfer": tuple(RELATIVES)}
    yield f"| figure | {' | '.join(groups)} |"
    yield "|---|---|---|"
    for name in ("duration", "fewestReady", "order", "schedule", "setUp", "image", "start"):
        cells = [_cell([each for each in told if each.table in tables], name) for tables in groups.values()]
        yield f"| `{name}` | {' | '.join(cells)} |"


def _cell(told: Sequence[Told], name: str) -> str:
    """Two recordings of a case are much alike: the interval is of the cases, inside with all of theirs."""
    judged: dict[str, list[bool]] = {}
    for each in told:
        for one in () if each.made is None else each.made.rollouts:
            for figure in one.figures:
                if figure.name == name and figure.judgement != "not told":
                    judged.setdefault(each.case, []).append(figure.judgement == "inside")
    runs = [each for own in judged.values() for each in own]
    if not runs:
        return "-"
    share = proportion(sum(map(all, judged.values())), len(judged))
    assert share.low is not None
    assert share.high is not None
    within = share_between(share.mean, share.low, share.high)
    return f"{sum(runs)} of {len(runs)} runs; {within} of {len(judged)} cases"


def read(name: str) -> list[Case]:
    """The cases of a table."""
    packed = (TESTS / "vectors" / f"{name}.json.gz").read_bytes()
    cases: list[Case] = json.loads(gzip.decompress(packed))["cases"]
    return cases


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold recorded rollouts against their predictions.")
    parser.add_argument("cases", metavar="CASE", nargs="*")
    parser.add_argument("--runs", type=int, default=199)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    told: list[Told] = []
    for table in (KUBERNETES, *RELATIVES):
        for case in read(table):
            if options.cases and case["id"] not in options.cases:
                continue
            for each in tell(table, case, options.runs):
                told.append(each)
                show(each)
    lines = list(table_lines(told))
    print(*lines, sep="\n")
    print(Counter("judged" if each.made else "left out" for each in told))
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGINS)
        PAGE.write_text(
            f"{head}{BEGINS}\n" + "\n".join(lines) + f"\n{ENDS}{rest.partition(ENDS)[2]}", encoding="utf-8"
        )
    return 0


def show(told: Told) -> None:
    """A line for each figure that does not lie inside."""
    print(f"{told.case:<18} {told.run:<3} {told.why}".rstrip())
    for one in () if told.made is None else told.made.rollouts:
        for each in one.figures:
            print(
                f"    {each.name:<12} {each.judgement:<9} {each.truth and tuple(each.truth)} {each.predicted and tuple(each.predicted)} {each.why} {each.words}"
            )


if __name__ == "__main__":
    sys.exit(main())
