"""Time series of a run as Prometheus' own parser reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import sim
from prometheus_client.openmetrics.parser import text_string_to_metric_families

START = 1_767_225_600


@pytest.mark.parametrize(
    ("scenario", "kind", "desired"), [("bad-image", "KubeInfer", 5), ("model-as-deployment", "Deployment", 4)]
)
def test_replicas_and_accelerators_over_time_are_read_back(
    scenario: str, kind: str, desired: int, tmp_path: Path
) -> None:
    file = tmp_path / "series.txt"
    for _ in range(2):  # written over when it is there again
        done = sim("run", f"scenarios/{scenario}.yaml", "-q", "--openmetrics", str(file))
        assert done.returncode in (0, 1), done.stderr
    text = file.read_text(encoding="utf-8")
    assert text.endswith("\n# EOF\n")
    families = {each.name: each for each in text_string_to_metric_families(text)}
    assert {each.type for each in families.values()} == {"gauge"}
    assert families["kubeinfer_sim_run_seconds"].unit == "seconds"
    wanted = families["kubeinfer_sim_replicas_desired"].samples
    assert {(*each.labels.values(), each.value) for each in wanted} == {(kind, "default", "chat", desired)}
    ready = families["kubeinfer_sim_replicas_ready"].samples
    # The update takes one in its first instant.
    assert (float(ready[0].timestamp), ready[0].value) == (START, desired - 1)
    assert min(each.value for each in ready) == desired - 1
    (lasted,) = families["kubeinfer_sim_run_seconds"].samples
    assert float(ready[-1].timestamp) == START + lasted.value
    in_use = families["kubeinfer_sim_accelerators_in_use"].samples
    (there,) = {each.value for each in families["kubeinfer_sim_accelerators"].samples}
    assert 0 < max(each.value for each in in_use) <= there


def test_of_many_runs_there_are_none_and_a_file_of_the_user_stays(tmp_path: Path) -> None:
    done = sim("run", "scenarios/bad-image.yaml", "-n", "2", "-o", "openmetrics")
    assert done.returncode == 2
    assert "--openmetrics is about one run" in done.stderr
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("# HELP up\n", encoding="utf-8")
    done = sim("run", "scenarios/bad-image.yaml", "--openmetrics", str(theirs))
    assert done.returncode == 2
    assert theirs.read_text(encoding="utf-8") == "# HELP up\n"
