"""What a prediction rests on: switches, defaults, stages, the release; in two lines, or every one of them."""

from __future__ import annotations

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.assumptions import Assumption, assumptions
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import configured, count
from kubeinfer_sim.scenario.model import Scenario

#: What is assumed of instances that kube-scheduler places.
WHOLE = (
    "Instances are placed whole, all pods or none, as the vendor has it of Volcano; kube-scheduler places pods one by "
    "one: with too little room some pods of an instance would hold NPUs and wait for the others"
)

#: What is assumed of the PodGroups of instances that Volcano places.
IMPORTANT = (
    "An instance's PodGroup has the highest priority of its pods: Volcano counts that of the PodGroup alone, and "
    "whether KubeInfer gives it one is not published"
)


def rests_on_in_short(scenario: Scenario, *, drawn: int = 0, many: bool = False) -> str:
    """How many assumptions and defaults there are, which were set, whether anything is drawn; the JSON has each.

    `drawn`: of how many pods chance chose the node.
    """
    every = assumptions(scenario.assumptions)
    number = sum(each.default for each in every) + len(scenario.defaults)
    changed = _changed(scenario, every)
    told = f"{count(number, 'assumption')}, none set"
    if changed:
        told = f"{', '.join(changed)} (set), {count(number, 'more assumption')}"
    facts = f"{told} · {_environment(scenario)} · {_draws(scenario, drawn, many)}"
    return "\n".join(map(printable, filter(None, (facts, configured(scenario.configuration)))))


def rests_on(scenario: Scenario) -> list[Part]:
    """Switches that are set stand out; defaults are named in short, their sources are in the JSON result."""
    blocks: list[Part] = []
    every = assumptions(scenario.assumptions)
    if changed := _changed(scenario, every):
        blocks.append(Text("Set  ", "dim").append(" · ".join(changed), "bold yellow not dim"))
    if told := configured(scenario.configuration):
        blocks.append(Text(printable(told), "yellow"))
    kept = " · ".join(f"{each.name} {each.value}" for each in every if each.default)
    blocks.append(Text(f"Assumed  {kept}", style="dim"))
    timings = []
    for line in scenario.defaults:
        name, _, rest = line.partition(": ")
        value = rest.partition(" (")[0].removeprefix("constant ")
        if name.startswith("timings.") and name != "timings.profile":
            timings.append(f"{name.removeprefix('timings.')} {value}")
        else:
            blocks.append(Text(f"Default  {printable(line)}", style="dim"))
    if timings:
        blocks.append(Text(f"Default timings  {printable(' · '.join(timings))}", style="dim"))
    blocks.append(Text(_environment(scenario), style="dim"))
    if scenario.gangs_by_kube_scheduler:
        blocks.append(Text(WHOLE, style="dim"))
    if scenario.important_groups:
        blocks.append(Text(IMPORTANT, style="dim"))
    return blocks


def _environment(scenario: Scenario) -> str:
    """The release of Kubernetes, and whose rules place pods unless that is kube-scheduler alone."""
    told = f"Kubernetes {scenario.kubernetes_version}"
    placed_by = scenario.placed_by
    whole = "instances whole" if scenario.gangs_by_kube_scheduler else ""
    important = "PodGroups as important as their pods" if scenario.important_groups else ""
    assumed = " and ".join(filter(None, (whole, important)))
    if assumed:
        told += f" · placed by {' and '.join(placed_by)}, {assumed} (assumed)"
    elif placed_by != ("kube-scheduler",):
        told += f" · placed by {' and '.join(placed_by)}"
    return told


def _draws(scenario: Scenario, nodes: int, many: bool) -> str:
    """Whether another seed would give another run; of one run that it is one draw, and how to ask for more."""
    drawn = [*scenario.drawn, *([f"nodes of {count(nodes, 'pod')}"] if nodes else ())]
    constant = "stages constant" if scenario.timings.constant else ""
    if drawn:
        what = ", ".join(filter(None, (constant if nodes else "", f"{' and '.join(drawn)} drawn")))
        return what if many else f"{what}: this is one draw, -n 300 makes 300"
    return f"{constant}, equal nodes drawn" if scenario.uses_volcano else constant


def _changed(scenario: Scenario, every: list[Assumption]) -> list[str]:
    changed = [f"{each.name} {each.value}" for each in every if not each.default]
    if scenario.recovery:
        changed.append(f"recovery: {count(len(scenario.recovery), 'rule')} for Custom")
    return changed
