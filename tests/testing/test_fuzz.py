"""`kubeinfer-sim fuzz --any-single-fault`: all faults at all moments, the worst told and kept, for both kinds of workloads."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from command_line import ROOT, sim
from field.user import User, asking, both, deployment, kubeinfer
from msgspec.structs import replace

from kubeinfer_sim.scenario.self_contained import whole_scenario
from kubeinfer_sim.testing.fuzz.cases import Cost
from kubeinfer_sim.testing.fuzz.exhaustive import SingleFaults, play_single_faults
from kubeinfer_sim.testing.fuzz.screen import broken_of, render_single_faults, single_faults_notes
from kubeinfer_sim.testing.kept import keep

FUZZ = ("fuzz", "scenario.yaml", "--any-single-fault", "--workers", "1")
READY = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}


def updated(folder: Path, workload=deployment, *, cluster: str = "3x8", npu: int = 8, **spec: object) -> User:
    """Two pods that an update replaces, one more than is asked for being allowed."""
    user = User(folder)
    made = workload({**asking(npu=npu), **READY}, replicas=2, surge=1)
    user.plans(
        made,
        cluster=cluster,
        actions=[{"at": "10s", "apply": {"newRevision": True}}],
        **{"objectives": {"completes": True, "minReadyInstances": 1}, **spec},
    )
    return user


def played(user: User, *kinds: str, every_place: bool = False) -> SingleFaults:
    document = whole_scenario(str(user.folder / "scenario.yaml"))
    return play_single_faults(document, kinds=kinds, every_place=every_place)


@both
def test_the_worst_is_told_and_kept_as_a_file_that_run_plays_to_the_same_failure(
    tmp_path: Path, workload
) -> None:
    user = updated(tmp_path, workload)
    done = user.types(*FUZZ, "--faults", "NodeDeath,RequestFault", "--json", "all.json")
    assert done.returncode == 1, done.told
    assert "single faults break it; the worst: NodeDeath just " in done.stdout
    assert "never finishes" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "all there are" in done.stdout
    found = json.loads((tmp_path / "all.json").read_text("utf-8"))
    schema = json.loads((ROOT / "docs" / "schemas" / "fuzz.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    assert len(found["singleFaults"]["cases"]) == found["singleFaults"]["total"]
    assert found["singleFaults"]["kinds"]["NodeDeath"]["broken"] > 0
    assert found["singleFaults"]["kinds"]["RequestFault"]["broken"] == 0
    kept = tmp_path / found["kept"]["path"]
    assert kept.parent.name == ".kubeinfer-sim"
    for name in ("scenario.yaml", "manifest.yaml"):
        (tmp_path / name).unlink()
    (tmp_path / "elsewhere").mkdir()
    again = sim("run", str(kept), cwd=tmp_path / "elsewhere")
    assert again.returncode == 1
    assert "✘ missed  completes" in again.stdout
    assert "completes (measured: it does not)" in found["kept"]["sentence"]


def test_where_nothing_breaks_it_says_how_many_that_was_and_that_it_was_all(tmp_path: Path) -> None:
    done = updated(tmp_path).types(*FUZZ, "--faults", "RequestFault")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("✔ No single fault breaks it: all ")
    assert not (tmp_path / ".kubeinfer-sim").exists()


def test_a_part_of_them_leaves_it_undecided_and_says_of_how_many(tmp_path: Path) -> None:
    done = updated(tmp_path).types(*FUZZ, "--faults", "RequestFault", "--max-examples", "3")
    assert done.returncode == 4
    assert done.stdout.startswith("? None of the 3 single faults played breaks it; there are ")
    assert "as many as --max-examples says" in " ".join(done.stdout.split())


def test_a_run_that_does_not_end_in_its_time_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kubeinfer_sim.simulation.faults.pods.PodFaults.slow", lambda *_, **__: [None for _ in iter(int, 1)]
    )
    line = (*FUZZ, "--faults", "HcclTimeout", "--max-examples", "1", "--run-timeout", "200ms")
    done = updated(tmp_path, kubeinfer).types(*line)
    assert done.returncode == 1
    assert "the run does not end: not over after 200ms" in done.stdout


def fill_memory(*_: object, **__: object) -> None:
    kept = [bytearray(1 << 20) for _ in iter(int, 1)]
    kept.clear()


@pytest.mark.skipif(sys.platform != "linux", reason="only there the memory of a process is limited")
@pytest.mark.parametrize(
    "how", ["--any-single-fault --faults HcclTimeout --max-examples 1", "--vary faults --phases corners"]
)
def test_a_run_that_needs_more_memory_than_it_may_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    for name in (
        "simulation.faults.pods.PodFaults.slow",
        "simulation.faults.pods.PodFaults.strike",
        "simulation.faults.nodes.NodeFaults.strike",
        "cluster.devices.hardware.NpuHardware.breaks",
    ):
        monkeypatch.setattr(f"kubeinfer_sim.{name}", fill_memory)
    done = updated(tmp_path, kubeinfer).types(
        "fuzz", "scenario.yaml", *how.split(), "--seed", "1", "--run-memory", "100MB"
    )
    assert done.returncode == 1, done.told
    assert "the run needs more memory than 100MB" in " ".join(done.stdout.split())


def test_a_manifest_is_played_as_the_update_to_a_new_revision_of_it(tmp_path: Path) -> None:
    updated(tmp_path)
    line = ("fuzz", "manifest.yaml", "--nodes", "3x8", "--any-single-fault", "--workers", "1")
    done = sim(*line, "--faults", "NodeDeath", "--max-examples", "5", "-o", "junit", cwd=tmp_path)
    assert done.returncode == 1, done.told
    (suite,) = ElementTree.fromstring(done.stdout)
    (case,) = suite
    assert case.attrib["name"] == "NodeDeath"
    (failure, _) = case
    assert "NodeDeath just " in failure.attrib["message"]


def test_a_kind_is_harmless_only_where_all_of_it_was_played(tmp_path: Path) -> None:
    user = updated(tmp_path)
    line = (*FUZZ, "--faults", "NodeDeath,RequestFault,SlowStart", "--max-examples", "2")
    done = user.types(*line, "-o", "junit")
    kinds = {case.attrib["name"]: case for case in ElementTree.fromstring(done.stdout)[0]}
    runs = {kind: case.findtext("system-out", "").strip() for kind, case in kinds.items()}
    (never, *_) = [kind for kind, told in runs.items() if told.startswith("0 runs of ")]
    assert kinds[never].find("skipped") is not None
    assert sum(case.find("skipped") is not None for case in kinds.values()) == sum(
        told.startswith("0 ") for told in runs.values()
    )
    assert f'skipped="{sum(told.startswith("0 ") for told in runs.values())}"' in done.stdout
    told = " ".join(user.types(*line).stdout.split())
    assert "Harmless" not in told
    assert f"Not played {never}" in told or f", {never} " in told
    faults = played(user, "NodeDeath", "RequestFault", "SlowStart")
    assert dict(single_faults_notes(faults))["Harmless"] == "RequestFault, SlowStart"
    first = next(case for case in faults.cases if case.fault.kind == "RequestFault")
    others = [case for case in faults.cases if case.fault.kind == "NodeDeath"]
    notes = dict(single_faults_notes(replace(faults, cases=(first, *others), stopped="limit")))
    assert "Harmless" not in notes
    assert notes["Not broken"] == f"by RequestFault in 1 of {faults.there['RequestFault']}"
    assert notes["Not played"] == "SlowStart"


def test_how_many_break_it_is_said_of_one_as_of_many() -> None:
    assert broken_of(1, "1 single fault") == "1 of 1 single fault breaks it"
    assert broken_of(2, "3 pairs of faults") == "2 of 3 pairs of faults break it"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("fuzz", "scenario.yaml", "--faults", "NodeDeath"), "--faults is about --any-single-fault"),
        ((*FUZZ, "--vary", "times"), "--vary is about a search"),
        ((*FUZZ, "--faults", "NodeDeth"), "NodeDeth is no kind of fault; did you mean"),
        ((*FUZZ, "--faults", "StorageSlow"), "StorageSlow can strike nothing there"),
        ((*FUZZ, "--for", "soon"), "soon"),
        ((*FUZZ, "--run-memory", "0B"), "0B: expected more than nothing, as in 2GiB"),
        ((*FUZZ, "--run-memory", "2"), "2"),
        (("fuzz", "manifest.yaml"), "give the nodes either as --nodes 8x8 or as --cluster FILE"),
        (("fuzz", "manifest.yaml", "--nodes", "many"), "there is no such file"),
    ],
)
def test_what_cannot_be_searched_is_said(tmp_path: Path, line: tuple[str, ...], told: str) -> None:
    done = updated(tmp_path).types(*line)
    assert done.returncode == 2
    assert told in done.told
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("workload", "cluster", "npu"), [(kubeinfer, "4x8", 8), (deployment, "3x8", 4)], ids=["whole", "shared"]
)
def test_places_that_are_taken_to_be_alike_come_to_the_same(
    tmp_path: Path, workload, cluster: str, npu: int
) -> None:
    """What one of them stands for is what all of them come to, played each for itself."""
    user = updated(tmp_path, workload, cluster=cluster, npu=npu)
    kinds = ("NodeDeath", "CardDrop") if npu == 8 else ("CardDrop", "ProcessCrash")
    few, all_ = played(user, *kinds), played(user, *kinds, every_place=True)
    assert {(each.fault.kind, each.fault.moment.at, each.cost) for each in few.cases} == {
        (each.fault.kind, each.fault.moment.at, each.cost) for each in all_.cases
    }
    assert len(few.cases) < len(all_.cases)
    assert few.stands_for == all_.stands_for == len(all_.cases)
    told, told_all = render_single_faults(few), render_single_faults(all_)
    assert "only their names" in " ".join(told.split())
    assert "Alike" not in told_all


def test_it_is_struck_at_both_ends_of_each_phase_of_each_pod(tmp_path: Path) -> None:
    user = updated(tmp_path, timings={"profile": "typical"})
    faults = played(user, "NodeDeath")
    phases = {str(each.fault.where.phase) for each in faults.cases}
    assert phases >= {"setUp", "starting", "ready", "stopping", "None"}
    edges = {each.fault.moment.edge for each in faults.cases}
    for at in edges - {0, max(edges)}:
        assert {each.fault.moment.at - at for each in faults.cases if each.fault.moment.edge == at} >= {-1}
    assert max(each.fault.moment.at for each in faults.cases) == max(edges) + 1


def test_a_stretch_that_the_horizon_cuts_has_its_last_millisecond_before_it(tmp_path: Path) -> None:
    user = updated(tmp_path, timings={"profile": "typical"}, horizon="1m")  # an image is pulled until 5m
    last = played(user, "NodeDeath").cases[-1].fault.moment
    assert (last.at, last.edge, last.what) == (59_999, 60_000, "the run is over at its horizon")


def test_a_file_that_is_kept_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Path(keep({"spec": {"seed": 1}}, "It breaks", "fuzz", tmp_path))
    assert list(tmp_path.iterdir()) == [kept]

    def full(path: Path, text: str, **_: object) -> None:
        path.write_bytes(text[:5].encode())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        keep({"spec": {"seed": 2}}, "It breaks", "fuzz", tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


def test_more_faults_than_a_file_may_hold_are_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = updated(tmp_path)
    whole = played(user, "NodeDeath")
    monkeypatch.setattr("kubeinfer_sim.testing.fuzz.cases._BATCH", 2)
    assert played(user, "NodeDeath") == whole


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    user = updated(tmp_path)
    line = (*FUZZ, "--faults", "NodeDeath,CardDrop", "--max-examples", "5", "-o", "json")
    assert user.types(*line).stdout == user.types(*line).stdout


def test_what_a_file_kept_says_stands_on_top_of_it(tmp_path: Path) -> None:
    user = updated(tmp_path)
    assert user.types(*FUZZ, "--faults", "NodeDeath", "-q").stdout == ""
    (kept,) = (tmp_path / ".kubeinfer-sim").iterdir()
    text = kept.read_text("utf-8")
    assert text.startswith("# NodeDeath just ")
    assert [each for each in yaml.safe_load(text)["spec"]["actions"] if "fault" in each]


def test_what_never_finishes_has_no_lost_time_that_it_saves_and_less_is_said_in_words() -> None:
    assert str(Cost(never=True, lost=-950_000)) == "never finishes"
    assert str(Cost(never=True, lost=950_000)) == "never finishes, +15m50s lost"
    assert str(Cost(lost=-950_000, later=-60_000)) == "15m50s less lost, 1m earlier"
    assert str(Cost()) == "nothing"
