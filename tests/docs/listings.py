"""What how-to pages read as kubectl's, made by the simulator: `PYTHONPATH=tests python -m docs.listings` writes it anew.

The update of `docs/examples/qwen3-update.yaml` has happened, on a cluster where graphs take longer to compile than was published.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kubectl_listings import listed
from kubectl_objects import NPU, node, pod

from kubeinfer_sim import Scenario, load_scenario
from kubeinfer_sim.manifest.source import SourceText

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
FOLDER = EXAMPLES / "kubectl"
#: The draw that happened, and when the update was over for long, ms.
SEED, OVER = 11, 4 * 3_600_000


def happened() -> Scenario:
    """The scenario as it was, rather than as it was predicted."""
    file = EXAMPLES / "qwen3-update.yaml"
    predicted = "timings: {profile: range}"
    slower = "timings: {profile: range, graphCold: {uniform: {low: 35m, high: 45m}}}"
    text = file.read_text(encoding="utf-8")
    assert predicted in text
    return load_scenario(SourceText(str(file), text.replace(predicted, slower)))


def listings() -> dict[str, dict[str, Any]]:
    """Each file by its name."""
    scenario = happened()
    before, after = (_with_requests(listed(scenario, ms, seed=SEED)) for ms in (-1, OVER))
    labels = {"accelerator/huawei-npu": "ascend-1980"}
    nodes = [node(f"node-{number}", labels=labels) for number in range(8)]
    nodes[7]["spec"]["unschedulable"] = True
    running = [each for each in before["items"] if each["kind"] == "Pod"]
    others = [pod("embed-0", "node-5", npus=4)]
    return {
        "nodes.json": _list(nodes),
        "pods.json": _list([*running, *others]),
        "before.json": before,
        "after.json": after,
        "after-pods.json": _list([each for each in after["items"] if each["kind"] == "Pod"]),
    }


def _with_requests(listing: dict[str, Any]) -> dict[str, Any]:
    for each in listing["items"]:
        if each["kind"] == "Pod":
            (container,) = each["spec"]["containers"]
            container["resources"] = {"requests": {NPU: "8"}}
    return listing


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": items}


def text(listing: dict[str, Any]) -> str:
    """An object a line, so that a difference is read."""
    items = ",\n".join(json.dumps(each) for each in listing["items"])
    return f'{{"apiVersion": "v1", "kind": "List", "items": [\n{items}\n]}}\n'


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, listing in listings().items():
        (FOLDER / name).write_text(text(listing), encoding="utf-8")
