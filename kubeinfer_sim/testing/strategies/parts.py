"""Parts of what users write, each by itself: for tests of templates, charts and generators of manifests."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import strategies as st

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.testing.strategies.clusters import draw_written_cluster, short_cluster
from kubeinfer_sim.testing.strategies.edits.registry import Draft, objects_of
from kubeinfer_sim.testing.strategies.edits.scenarios import one_more_action
from kubeinfer_sim.testing.strategies.faults import draw_processes
from kubeinfer_sim.testing.strategies.profiles import profile_named
from kubeinfer_sim.testing.strategies.spec_parts import draw_timings
from kubeinfer_sim.testing.strategies.values import Draw, draw_int_or_percent, draw_probe, draw_quantity, pick
from kubeinfer_sim.testing.strategies.workloads import draw_kubeinfer, draw_template
from kubeinfer_sim.testing.strategies.written import MAIN, Raw, WrittenScenario


@st.composite
def quantities(draw: Draw) -> str:
    """Amounts of a resource as Kubernetes writes them: `500m`, `1.5Gi`, `0`."""
    return draw_quantity(draw)


@st.composite
def int_or_percent(draw: Draw, most: int = 4) -> int | str:
    """A number up to `most`, or a percentage, often one that is rounded: `34%`."""
    return draw_int_or_percent(draw, most)


@st.composite
def probes(
    draw: Draw, kind: Literal["readiness", "liveness", "startup"] = "readiness", port: int = 9000
) -> Raw:
    """A probe of a container, of any handler; its HTTP and TCP checks go to `port`."""
    return draw_probe(draw, kind, port)


@st.composite
def pod_templates(draw: Draw, profile: str = "medium") -> Raw:
    """A pod template with labels and a server, and what people put beside it: hooks, sidecars, init containers.

    Raises:
        KeyError: no such profile.
    """
    return draw_template(draw, {"app": "web"}, "repo/vllm:v1", pick(draw, (8, 1, 0)), profile_named(profile))


@st.composite
def roles(draw: Draw, profile: str = "medium") -> list[Raw]:
    """The roles of a KubeInfer, at least one.

    Raises:
        KeyError: no such profile.
    """
    kubeinfer = draw_kubeinfer(draw, "chat", "repo/vllm:v1", profile_named(profile))
    written: list[Raw] = kubeinfer["spec"]["template"]["spec"]["roles"]
    return written


@st.composite
def clusters(draw: Draw, profile: str = "medium") -> Raw | str:
    """What stands in `spec.cluster` of a scenario: `8x8`, or pools of nodes.

    Raises:
        KeyError: no such profile.
    """
    return draw_written_cluster(draw, profile_named(profile)).written


@st.composite
def timings(draw: Draw, profile: str = "medium") -> Raw:
    """What stands in `spec.timings`: stages of all pods, of any distribution.

    Raises:
        KeyError: no such profile.
    """
    return draw_timings(draw, [], {}, profile_named(profile))


@st.composite
def fault_plans(draw: Draw) -> Raw | str:
    """What stands in `spec.faults` of a scenario with KubeInfers on `8x8`: a profile, or processes of faults."""
    return draw_processes(draw, short_cluster(8), storage=False, kubeinfers=True)


def actions(given: WrittenScenario, kind: str | None = None) -> st.SearchStrategy[Raw]:
    """An item of `spec.actions` for a scenario that there is, which is read with it.

    Args:
        given: the scenario: its nodes, workloads and objects are named.
        kind: `fault`, `drain` …; any, if not given.

    Raises:
        InputError: the scenario is wrong.
    """
    given.load()
    return _actions(given, kind).filter(bool)


@st.composite
def _actions(draw: Draw, given: WrittenScenario, kind: str | None) -> Any:
    document = given.files[MAIN][0]
    spec = document["spec"]
    made = one_more_action(draw, Draft(objects_of(spec), spec, given.load()), kind)
    if made is None:
        return None
    more = {**document, "spec": {**spec, "actions": [*(spec.get("actions") or ()), made]}}
    try:
        WrittenScenario({**given.files, MAIN: [more]}).load()
    except InputError:  # what nothing has begun cannot be ended
        return None
    return made
