"""What fuzz finds, for machines: a versioned JSON document and its schema, and JUnit XML."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.report.findings.junit import Case as JUnitCase
from kubeinfer_sim.report.findings.junit import Failure, junit_report
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.report.words import count
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
from kubeinfer_sim.testing.fuzz.exhaustive import Case, SingleFaults
from kubeinfer_sim.testing.fuzz.fault_pairs import FaultPairs, PairCase
from kubeinfer_sim.testing.fuzz.pairs_screen import pair_sentence, pairs_sentence, worst_pairs
from kubeinfer_sim.testing.fuzz.screen import case_sentence, sentence, worst_of_each
from kubeinfer_sim.testing.fuzz.search_result import Search, search_sentence
from kubeinfer_sim.testing.fuzz.single_faults import SingleFault
from kubeinfer_sim.testing.strategies.actions import ACTIONS

_SUITE = "kubeinfer-sim fuzz"


class FaultPart(Part):
    """A fault that strikes a place at a moment."""

    kind: str
    at_ms: int
    edge_ms: int
    """When what it is about happens: `what`, a millisecond before or after it."""
    what: str
    where: str
    """The pod, the node, `node/npu0`, or `cluster`."""
    holds: str
    """The pods there; empty of a pod, and where there are none."""
    phase: Literal["waiting", "setUp", "starting", "ready", "notReady", "stopping"] | None
    """Of the life of the pod that is struck, or the first one there; null: nothing is there."""
    stands_for: int
    """So many places that only names tell apart."""
    action: dict[str, Any]
    """As it is written in `spec.actions`."""


class FaultCasePart(FaultPart):
    """One fault, and what it costs beside the run without it."""

    struck: bool
    """Whether there was anything to strike."""
    breaks: list[str]
    """What is missed that holds without it, in sentences."""
    never_finishes: bool
    lost_ms: int
    """Instance-milliseconds (and pod-milliseconds of Deployments) that are lost besides."""
    later_ms: int | None
    """By how much the slowest change takes longer; null: it has no end, or there is none."""
    failed: str
    """What the simulator, or a function of recovery, says where the run failed; empty where it did not."""


class FaultKindPart(Part):
    """What was played of a kind of fault."""

    alike: list[str]
    """Kinds that do just the same, which were not played."""
    total: int
    """How many there are."""
    runs: int
    broken: int
    phases: dict[str, int]
    """Phase of life of what was struck -> runs; `none`: no pod is there."""


class KeptPart(Part):
    """The worst as a scenario file."""

    path: str
    sentence: str
    differences: list[str]
    replay: str


class SingleFaultsPart(Part):
    """What `--any-single-fault` played."""

    total: int
    """How many single faults there are, but for those that are alike; as many as `cases` where all were played."""
    stopped: Literal["", "limit", "time", "interrupted"]
    """Why not all were played."""
    stands_for: int
    """How many faults the cases stand for, with those that are alike."""
    kinds: dict[str, FaultKindPart]
    cases: list[FaultCasePart]
    """In order of time."""


class FaultPairPart(Part):
    """Two faults, the earlier one first, and what they cost beside the run without them."""

    first: FaultPart
    second: FaultPart
    chosen: bool
    """Since both lose much alone; else it was drawn."""
    struck: bool
    """Whether there was something to strike for both."""
    breaks: list[str]
    """What is missed that holds without them, in sentences."""
    never_finishes: bool
    lost_ms: int
    later_ms: int | None
    failed: str
    """As of a single fault."""


class FaultPairsPart(Part):
    """What `--any-two-faults` played besides single faults: pairs of those that break nothing alone."""

    total: int
    """How many pairs there are, those with a fault that breaks something alone included."""
    known: int
    """So many have a fault that breaks something alone, and were not played."""
    stopped: Literal["", "limit", "time", "interrupted"]
    """Why not all others were played."""
    broken: int
    cases: list[FaultPairPart]
    """In order of time."""


class CoveredPart(Part):
    """What came to pass in the examples of a search."""

    faults: dict[str, dict[str, int]]
    """Kind -> phase of life of the pod that was struck (`none`: no pod was) -> how often."""
    faults_not_met: list[str]
    levels: dict[str, int]
    """What recovery rebuilt: `instance`, `role`, `pod`."""
    recovery: dict[str, dict[str, dict[str, int]]]
    """Kind -> phase of life of the pod that was struck -> what recovery rebuilt for it -> how often."""
    budgets: dict[str, int]
    """Budgets of workloads, as written -> examples."""
    evictions: dict[str, int]
    """Pods that were `evicted`, evictions `refused` (for a budget, or two at once), drains `held` for it."""
    actions: dict[str, int]
    """By the names they have in a scenario, `update` included."""
    actions_not_met: list[str]
    differences: dict[str, int]
    """So many differences from what was given -> examples."""


class SearchPart(Part):
    """What a search near the scenario came to."""

    vary: list[str]
    """What was edited."""
    examples: dict[str, int]
    """By phase, those that made one smaller left out."""
    stopped: Literal["", "time", "interrupted"]
    phase: str
    """In which something was found; empty where nothing was."""
    invariant: str
    """The one that is broken, and what is wrong; empty where none is."""
    breaks: list[str]
    mended: list[str]
    """Files of earlier findings that break nothing any more, and were dropped."""
    left_out: dict[str, list[str]]
    """Files of earlier findings that were not played -> what they edit that `vary` does not name."""
    covered: CoveredPart


class FuzzDocument(DocumentPart):
    """What single faults do to a scenario, or what a search near it found."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Fuzz"] = "Fuzz"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    seed: int
    sentence: str
    kept: KeptPart | None
    """What was found, as a file; null where nothing was."""
    single_faults: SingleFaultsPart | None
    """Null of a search."""
    fault_pairs: FaultPairsPart | None
    """Of `--any-two-faults` alone."""
    search: SearchPart | None
    """Null of single faults."""
    configuration: ConfiguredPart | None
    """What a configuration file gave."""


def single_faults_json(faults: SingleFaults, kept: Counterexample | None) -> str:
    """The document of single faults, as text."""
    return _document(faults.scenario, sentence(faults), kept, single_faults=_singles(faults))


def fault_pairs_json(pairs: FaultPairs, kept: Counterexample | None) -> str:
    """The document of two faults, as text."""
    part = FaultPairsPart(
        total=pairs.total,
        known=pairs.known,
        stopped=pairs.stopped,
        broken=len(pairs.broken),
        cases=[_pair(each) for each in pairs.cases],
    )
    singles = pairs.singles
    told = pairs_sentence(pairs)
    return _document(singles.scenario, told, kept, single_faults=_singles(singles), fault_pairs=part)


def search_json(search: Search, kept: Counterexample | None) -> str:
    """The document of a search, as text."""
    found, covered = search.found, search.covered
    faults: dict[str, dict[str, int]] = {}
    for (kind, phase), number in sorted(covered.faults.items()):
        faults.setdefault(kind, {})[phase] = number
    recovery: dict[str, dict[str, dict[str, int]]] = {}
    for (kind, phase, level), number in sorted(covered.recovery.items()):
        recovery.setdefault(kind, {}).setdefault(phase, {})[level] = number
    part = SearchPart(
        vary=list(search.vary),
        examples=dict(search.examples),
        stopped=search.stopped,
        phase="" if found is None else found.phase,
        invariant="" if found is None else found.invariant,
        breaks=[] if found is None else list(found.cost.breaks),
        mended=list(search.mended),
        left_out={path: list(names) for path, names in search.left_out.items()},
        covered=CoveredPart(
            faults=faults,
            faults_not_met=[kind for kind in KINDS if kind not in faults],
            levels=dict(sorted(covered.levels.items())),
            recovery=recovery,
            budgets=dict(sorted(covered.budgets.items())),
            evictions=dict(sorted(covered.evictions.items())),
            actions=dict(sorted(covered.actions.items())),
            actions_not_met=[name for name in ACTIONS if name not in covered.actions],
            differences={str(number): times for number, times in sorted(covered.edits.items())},
        ),
    )
    return _document(search.scenario, search_sentence(search), kept, search=part)


def _document(
    scenario: Scenario,
    told: str,
    kept: Counterexample | None,
    *,
    single_faults: SingleFaultsPart | None = None,
    fault_pairs: FaultPairsPart | None = None,
    search: SearchPart | None = None,
) -> str:
    part = None
    if kept is not None:
        part = KeptPart(
            path=kept.path,
            sentence=kept.sentence,
            differences=list(kept.differences),
            replay=kept.replay,
        )
    return FuzzDocument(
        version=__version__,
        scenario=scenario.name,
        seed=scenario.seed,
        sentence=told,
        kept=part,
        single_faults=single_faults,
        fault_pairs=fault_pairs,
        search=search,
        configuration=configured_part(scenario.configuration),
    ).to_json()


def fuzz_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return FuzzDocument.json_schema()


def single_faults_junit(faults: SingleFaults, file: str) -> str:
    """A case for each kind of fault: it fails with the worst that breaks something; one never played is skipped."""
    return junit_report(_SUITE, _singles_junit(faults, file))


def _singles_junit(faults: SingleFaults, file: str) -> list[JUnitCase]:
    worst = {case.fault.kind: case for case in worst_of_each(faults.broken)}
    failed = {case.fault.kind: case for case in reversed(faults.failed)}
    cases = []
    for kind in faults.kinds:
        failure = None
        if kind in worst:
            told = case_sentence(worst[kind])
            failure = Failure("broken", told, "\n".join((told, *worst[kind].cost.breaks)))
        elif kind in failed:
            failure = Failure("failed", failed[kind].cost.fault, failed[kind].cost.fault)
        runs, there = sum(case.fault.kind == kind for case in faults.cases), faults.there[kind]
        told = count(runs, "run") + (f" of {there:,}" if runs < there else "")
        skipped = "" if runs else "not played" if there else "nothing to strike"
        cases.append(JUnitCase(faults.scenario.name, kind, file, 0, f"{told}\n", failure, skipped))
    return cases


def fault_pairs_junit(pairs: FaultPairs, file: str) -> str:
    """A case for each two kinds of faults that were played together; it fails with the worst that breaks something."""
    worst = worst_pairs(pairs)
    failed = {(case.first.kind, case.second.kind): case.cost.fault for case in reversed(pairs.failed)}
    played = Counter((case.first.kind, case.second.kind) for case in pairs.cases)
    cases = []
    for kinds, runs in played.items():
        failure = None
        if kinds in worst:
            told = pair_sentence(worst[kinds])
            failure = Failure("broken", told, "\n".join((told, *worst[kinds].cost.breaks)))
        elif kinds in failed:
            failure = Failure("failed", failed[kinds], failed[kinds])
        name = " and ".join(kinds)
        output = f"{count(runs, 'run')}\n"
        cases.append(JUnitCase(pairs.singles.scenario.name, name, file, output=output, failure=failure))
    return junit_report(_SUITE, [*_singles_junit(pairs.singles, file), *cases])


def search_junit(search: Search, file: str) -> str:
    """One case: it fails with what was found."""
    found = search.found
    failure = None
    if found is not None:
        told = "\n".join((*found.differences, *filter(None, (found.invariant,)), *found.cost.breaks))
        failure = Failure("invariant" if found.invariant else "broken", search_sentence(search), told)
    examples = f"{count(sum(search.examples.values()), 'example')}\n"
    skipped = "not played" if search.undecided else ""
    case = JUnitCase(search.scenario.name, "search", file, 0, examples, failure, skipped)
    return junit_report(_SUITE, [case])


def _kind(faults: SingleFaults, kind: str) -> FaultKindPart:
    own = [case for case in faults.cases if case.fault.kind == kind]
    phases = Counter(case.fault.where.phase or "none" for case in own)
    return FaultKindPart(
        alike=list(faults.kinds[kind]),
        total=faults.there[kind],
        runs=len(own),
        broken=sum(bool(case.cost.breaks) for case in own),
        phases={str(phase): number for phase, number in phases.items()},
    )


def _singles(faults: SingleFaults) -> SingleFaultsPart:
    return SingleFaultsPart(
        total=faults.total,
        stopped=faults.stopped,
        stands_for=faults.stands_for,
        kinds={kind: _kind(faults, kind) for kind in faults.kinds},
        cases=[_case(each) for each in faults.cases],
    )


def _pair(case: PairCase) -> FaultPairPart:
    cost = case.cost
    return FaultPairPart(
        first=FaultPart(**_fault(case.first)),
        second=FaultPart(**_fault(case.second)),
        chosen=case.chosen,
        struck=cost.struck,
        breaks=list(cost.breaks),
        never_finishes=cost.never,
        lost_ms=cost.lost,
        later_ms=cost.later,
        failed=cost.fault,
    )


def _fault(fault: SingleFault) -> dict[str, Any]:
    """The fields of a `FaultPart`."""
    return {
        "kind": fault.kind,
        "at_ms": fault.moment.at,
        "edge_ms": fault.moment.edge,
        "what": fault.moment.what,
        "where": fault.where.name,
        "holds": fault.where.holds,
        "phase": None if fault.where.phase is None else fault.where.phase.value,
        "stands_for": fault.where.stands_for,
        "action": fault.action,
    }


def _case(case: Case) -> FaultCasePart:
    cost = case.cost
    return FaultCasePart(
        **_fault(case.fault),
        struck=cost.struck,
        breaks=list(cost.breaks),
        never_finishes=cost.never,
        lost_ms=cost.lost,
        later_ms=cost.later,
        failed=cost.fault,
    )
