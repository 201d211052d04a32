"""Scenario files written for one test, next to a small manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario

#: Two roles: `serve` on NPUs with all probes, `proxy` without either. Holes: replicas and image.
MANIFEST = """\
apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: chat, namespace: prod}
spec:
  replicas: ${replicas}
  strategy: {type: InstanceRollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    spec:
      roles:
      - name: serve
        replicas: 2
        template:
          spec:
            nodeSelector: {pool: infer}
            containers:
            - name: engine
              image: ${image}
              startupProbe: &probe {httpGet: {path: /health, port: 9000}}
              readinessProbe: *probe
              resources: &resources {requests: {huawei.com/ascend-1980: 8}, limits: {huawei.com/ascend-1980: 8}}
      - name: proxy
        template:
          spec:
            containers:
            - {name: proxy, image: "proxy:1"}
"""

HEAD = """\
apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: test}
spec:
"""
SMALLEST = (
    HEAD
    + """\
  manifest: {path: chat.yaml, set: {replicas: 4, image: "vllm:1"}}
  cluster: 16x8
"""
)

Load = Callable[..., Scenario]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the manifest in it."""
    (tmp_path / "chat.yaml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Load:
    """Loads the smallest scenario with the lines of spec given added to it."""

    def load(spec: str = "", *, text: str | None = None, **options: object) -> Scenario:
        file = folder / "scenario.yaml"
        lines = "".join(f"  {line}\n" for line in spec.splitlines())
        file.write_text(SMALLEST + lines if text is None else text, encoding="utf-8")
        return load_scenario(str(file), **options)

    return load


@pytest.fixture
def findings(load: Load) -> Callable[..., list[str]]:
    """What is wrong with a scenario: `line: path: message`, file names of other files before."""

    def findings(spec: str = "", *, text: str | None = None) -> list[str]:
        with pytest.raises(InputError) as caught:
            load(spec, text=text)
        return [
            f"{'' if each.file.endswith('scenario.yaml') else Path(each.file).name + ':'}"
            f"{each.line}: {each.sentence}"
            for each in caught.value.diagnostics
        ]

    return findings
