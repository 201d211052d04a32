"""Single faults for people: the verdict, and of each kind of fault the worst that it can do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.table import Table

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.blocks import section
from kubeinfer_sim.report.paragraph import Part, figure_table
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, point, together
from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
from kubeinfer_sim.testing.fuzz.exhaustive import Case, SingleFaults
from kubeinfer_sim.testing.fuzz.moments import Moment
from kubeinfer_sim.testing.fuzz.places import LifePhase
from kubeinfer_sim.testing.fuzz.single_faults import Where

#: Failures of the simulator that are told.
MOST_FAILED = 3
_PHASES = {
    LifePhase.WAITING: "waiting",
    LifePhase.SET_UP: "set up",
    LifePhase.STARTING: "starting",
    LifePhase.READY: "ready",
    LifePhase.NOT_READY: "not ready",
    LifePhase.STOPPING: "stopping",
    None: "no pod is there",
}
WHY_NOT_ALL = {
    "limit": "as many as --max-examples says",
    "time": "the time of --for was over",
    "interrupted": "interrupted",
}


def render_single_faults(
    faults: SingleFaults,
    kept: Counterexample | None = None,
    *,
    width: int = 80,
    colour: bool = False,
    unicode: bool = True,
) -> str:
    """The report as text, lines at most `width` columns wide (60 to 160)."""
    return printed(_parts(faults, kept), width=within(width), colour=colour, unicode=unicode)


def sentence(faults: SingleFaults) -> str:
    """`12 of 340 single faults break it; the worst: NodeDeath just after 4m54s on node-8: never finishes.`"""
    broken = faults.broken
    if broken:
        worst = f"the worst: {case_sentence(broken[0])}"
        return f"{broken_of(len(broken), count(len(faults.cases), 'single fault'))}; {worst}."
    if not faults.cases:
        return "No single fault was played."
    if faults.stopped:
        return f"None of the {count(len(faults.cases), 'single fault')} played breaks it; there are {faults.total:,}."
    return f"No single fault breaks it: all {faults.total:,} were played."


def broken_of(broken: int, played: str) -> str:
    """`12 of 340 single faults break it`, `1 of 1 single fault breaks it`."""
    return f"{broken:,} of {played} break{'s' if broken == 1 else ''} it"


def case_sentence(case: Case) -> str:
    """`NodeDeath just after 4m54s on node-8 (chat-0-decode-1): never finishes`."""
    where = strikes(case.fault.where)
    return f"{case.fault.kind} {when(case.fault.moment)} on {where}: {case.cost}"


def when(moment: Moment) -> str:
    """`just before 4m54s`."""
    return f"just {'before' if moment.before else 'after'} {point(moment.edge)}"


def strikes(where: Where) -> str:
    """`node-8 (chat-0-decode-1)`."""
    return f"{where.name} ({where.holds})" if where.holds else where.name


def worst_of_each(cases: Sequence[Case]) -> list[Case]:
    """The first of each kind, of cases the worst of which come first."""
    first: dict[str, Case] = {}
    for case in cases:
        first.setdefault(case.fault.kind, case)
    return list(first.values())


def _parts(faults: SingleFaults, kept: Counterexample | None) -> Iterator[Part]:
    broken = faults.broken
    held = not broken and not faults.stopped and not faults.failed
    mark, style = ("✘", "bold red") if broken else ("✔", "bold green") if held else ("?", "bold yellow")
    yield Text(printable(f"{mark} {sentence(faults)}"), style=style)
    yield Text(printable(single_faults_subtitle(faults)), style="dim")
    worst = worst_of_each(broken)
    if worst:
        yield from section("Critical: the worst of each kind that breaks something", [_table(faults, worst)])
        yield from section("Broken by the worst", [Text(printable(each)) for each in worst[0].cost.breaks])
        edges = dict(sorted((case.fault.moment.edge, case.fault.moment.what) for case in worst))
        yield from section(
            "Moments", figure_table([(point(at), printable(what)) for at, what in edges.items()])
        )
    failed = [f"{each.fault.kind} {when(each.fault.moment)}: {each.cost.fault}" for each in faults.failed]
    yield from section("Failed", [Text(printable(each), "red") for each in failed[:MOST_FAILED]])
    yield Text()
    yield from figure_table(
        [(name, printable(text)) for name, text in (*single_faults_notes(faults), *replay(kept))]
    )


def single_faults_subtitle(faults: SingleFaults) -> str:
    """What was played: `x · seed 0 · 340 runs, all there are · …`."""
    moments = len({case.fault.moment.at for case in faults.cases})
    played = count(len(faults.cases), "run")
    played += f" of {faults.total:,}: {WHY_NOT_ALL[faults.stopped]}" if faults.stopped else ", all there are"
    scenario = faults.scenario
    kinds = count(len({case.fault.kind for case in faults.cases}), "kind")
    return f"{scenario.name} · seed {scenario.seed} · {played} · {kinds} of fault, {count(moments, 'moment')}"


def _table(faults: SingleFaults, worst: Sequence[Case]) -> Table:
    played = Counter(case.fault.kind for case in faults.cases)
    broken = Counter(case.fault.kind for case in faults.broken)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    table.add_column("fault", overflow="fold")
    table.add_column("break it", justify="right", no_wrap=True)
    table.add_column("worst", overflow="fold")
    for case in worst:
        fault = case.fault
        at = when(fault.moment).removeprefix("just ")
        told = f"{at}: {case.cost}\non {strikes(fault.where)}"
        part = f"{broken[fault.kind]:,} of {played[fault.kind]:,}"
        table.add_row(fault.kind, part, "\n".join(map(printable, told.split("\n"))))
    return table


def single_faults_notes(faults: SingleFaults) -> Iterator[tuple[str, str]]:
    """What was looked at, and how: a name and a text each."""
    yield from _kinds_that_break_nothing(faults)
    phases = Counter(case.fault.where.phase for case in faults.cases)
    told = [f"{_PHASES[phase]} {phases[phase]:,}" for phase in _PHASES if phases[phase]]
    yield "Struck", f"while {' · '.join(told)}"
    if nothing := sum(not case.cost.struck and not case.cost.fault for case in faults.cases):
        yield "Missed", f"{count(nothing, 'run')} in which there is nothing to strike yet (no process runs)"
    yield (
        "Played at",
        "the first and the last millisecond of each stretch in which nothing begins or ends, and after the end",
    )
    kinds = [f"{together(others)} as {first}" for first, others in faults.kinds.items() if others]
    if any(case.fault.where.stands_for > 1 for case in faults.cases):
        kinds.append("pods of one role and age, nodes and NPUs that only their names tell apart")
    if kinds:
        yield "Alike", f"{'; '.join(kinds)}: {faults.stands_for:,} faults in all"
    if faults.scenario.drawn:
        yield (
            "Drawn",
            f"{together(faults.scenario.drawn)}, with one seed: another one may come to other numbers",
        )


def _kinds_that_break_nothing(faults: SingleFaults) -> Iterator[tuple[str, str]]:
    """Those known to be harmless since all of each were played, those of which a part was, and those never played."""
    breaking = {case.fault.kind for case in faults.broken}
    played, there = faults.played, faults.there
    others = [kind for kind in faults.kinds if kind not in breaking]
    harmless = [kind for kind in others if there[kind] and played[kind] == there[kind]]
    partly = [
        f"{kind} in {played[kind]:,} of {there[kind]:,}" for kind in others if 0 < played[kind] < there[kind]
    ]
    if harmless and (breaking or faults.stopped or faults.failed):
        yield "Harmless", ", ".join(harmless)
    if partly:
        yield "Not broken", f"by {', '.join(partly)}"
    if never := [kind for kind in others if there[kind] and not played[kind]]:
        yield "Not played", ", ".join(never)


def replay(kept: Counterexample | None) -> list[tuple[str, str]]:
    """The command that plays what was kept, if anything was."""
    return [] if kept is None else [("Replay", kept.replay)]
