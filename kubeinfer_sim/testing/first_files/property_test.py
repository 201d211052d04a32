"""A first property test: near a scenario, as many stay ready as an update may leave."""

from __future__ import annotations

import json
import re
from pathlib import PurePath

from kubeinfer_sim.testing.first_files.scenario import FirstScenario

_TEXT = '''"""Near {file}: whatever its stages take, {sentence}.

Hypothesis draws it with up to three lengths of stages changed, and the invariants of kubeinfer-sim watch each run.
What else `vary` takes: faults, times, cluster, budgets, replicas, recovery, probes, grace, actions, assumptions, seed.
"""

from pathlib import Path

from hypothesis import HealthCheck, given, settings

{imports}

SCENARIO = WrittenScenario.read(Path(__file__).with_name("{file}"){configured})


# The same examples each time, so that a change fails for what it changes; without `derandomize` others each time.
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(near(SCENARIO, vary=["stages"]))
def test_{name}_near_its_scenario(kubeinfer, changed):
    {body}
'''


def property_test(first: FirstScenario, *, configured: bool = False) -> tuple[str, str]:
    """The name of the file, which stands beside the scenario, and its text; `configured`: with the configuration."""
    file = PurePath(first.path).name
    name = re.sub(r"\W", "_", file.removesuffix(".scenario.yaml"))
    imports = [
        "from kubeinfer_sim.testing import min_ready" if first.kept_ready else "",
        "from kubeinfer_sim.scenario.configuration import find_configuration" if configured else "",
        "from kubeinfer_sim.testing.strategies import WrittenScenario, near",
    ]
    played = "kubeinfer.simulate(changed.load())"
    body = [f"run = {played}" if first.kept_ready else played]
    for owner, number in first.kept_ready.items():
        which = f', "{owner}"' if first.workloads > 1 else ""
        body.append(f"assert min_ready(run{which}) >= {number}")
    text = _TEXT.format(
        file=file,
        quoted=json.dumps(file, ensure_ascii=False),
        name=name,
        sentence="as many stay ready as an update may leave"
        if first.kept_ready
        else "no invariant is broken",
        imports="\n".join(sorted(filter(None, imports))),
        configured=", configuration=find_configuration()" if configured else "",
        body="\n    ".join(body),
    )
    return f"test_near_{name}.py", text
