"""What reading a large cluster costs: `python tests/benchmarks/dump.py [--write] [NODES ...]`. Run by hand.

`kubectl get nodes -o json` and `kubectl get pods -A -o json` of so many nodes with ten pods each are made, as long as
kubectl writes them (20,000 nodes and 200,000 pods: 225 MB), and read, each size in a process of its own, which tells its
processor time and the most memory it ever had.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import show, sizes
from kubectl_objects import node, pod

from kubeinfer_sim.scenario.cluster.compile import read_real_cluster
from kubeinfer_sim.scenario.cluster.kubectl.listing import read_listing_file

PODS_PER_NODE = 10
#: One in so many pods is of a workload of its own, with labels, requests and ports that no other has.
PODS_PER_WORKLOAD = 50


def nodes(count: int) -> Iterator[dict[str, Any]]:
    """Nodes with the labels, conditions and images of a node of CCE."""
    images = [
        {"names": [f"registry.example/team/model-{i}@sha256:{i:064x}", f"registry.example/team/model-{i}:v1"]}
        for i in range(4)
    ]
    for i in range(count):
        made = node(f"node-{i}", labels={"cce.cloud.com/cce-nodepool": f"pool-{i % 8}"}, images=images)
        made["metadata"]["uid"] = f"00000000-0000-4000-8000-{i:012x}"
        made["status"]["conditions"] = [
            {"type": each, "status": "True" if each == "Ready" else "False", "reason": f"Kubelet{each}"}
            for each in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
        ]
        yield made


def pods(count: int) -> Iterator[dict[str, Any]]:
    """Pods of Deployments, ten on each node."""
    for i in range(count):
        workload = i // PODS_PER_WORKLOAD
        owner = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": f"web-{workload}-5d4f8",
            "controller": True,
        }
        made = pod(
            f"web-{workload}-5d4f8-{i:05x}",
            f"node-{i // PODS_PER_NODE}",
            namespace=f"team-{workload % 20}",
            labels={"app": f"web-{workload}", "pod-template-hash": "5d4f8"},
            owner=owner,
            serviceAccountName="default",
            schedulerName="default-scheduler",
            restartPolicy="Always",
            tolerations=[
                {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
            ],
        )
        made["metadata"]["uid"] = f"00000000-0000-4000-9000-{i:012x}"
        made["status"] |= {
            "podIP": f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}",
            "conditions": [
                {"type": each, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
                for each in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
        }
        yield made


def write(file: Path, objects: Iterator[dict[str, Any]]) -> None:
    """As kubectl prints a list, without holding all of it."""
    with file.open("w", encoding="utf-8") as out:
        out.write('{\n "apiVersion": "v1",\n "items": [\n')
        for number, each in enumerate(objects):
            out.write((",\n" if number else "") + json.dumps(each))
        out.write('\n ],\n "kind": "List",\n "metadata": {"resourceVersion": ""}\n}\n')


def read(folder: Path) -> None:
    """Read both files and print seconds and MB, with what the imports alone have taken left out of the seconds."""
    gc.set_threshold(100_000)  # as the command line has it
    begun = time.process_time()
    files = (read_listing_file(str(folder / name)) for name in ("nodes.json", "pods.json"))
    cluster = read_real_cluster(*files, ())
    took = time.process_time() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(len(cluster.nodes), len(cluster.running), took, most)


def main() -> None:
    lines = ["| nodes | pods | MB of JSON | CPU s | MB at most |", "|---|---|---|---|---|"]
    for count in sizes([2000, 20_000]):
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            write(here / "nodes.json", nodes(count))
            write(here / "pods.json", pods(count * PODS_PER_NODE))
            long = sum(each.stat().st_size for each in here.iterdir()) / 1e6
            words = [sys.executable, __file__, "--read", folder]
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            got_nodes, got_pods, took, most = done.stdout.split()
            lines.append(
                f"| {int(got_nodes):,} | {int(got_pods):,} | {long:.0f} | {float(took):.1f} | {float(most):,.0f} |"
            )
    show("dump", "\n".join(lines))


if __name__ == "__main__":
    if "--read" in sys.argv:
        read(Path(sys.argv[-1]))
    else:
        main()
