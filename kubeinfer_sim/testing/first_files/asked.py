"""What a first scenario is made for: a manifest, the values of its holes, the nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.model import KINDS_ROLLED_OUT, WorkloadSpec
from kubeinfer_sim.manifest.names_apart import NamesApart
from kubeinfer_sim.manifest.template import parse_settings
from kubeinfer_sim.scenario.configuration import Configuration

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Asked(Struct, frozen=True):
    """What is given; paths start at the working directory.

    Attributes:
        manifest: the path of the manifest file.
        values: what fills its holes, as text.
        value_files: holes that are filled from files, with their paths.
        cluster: `8x8`, or the path of a Cluster file or of what kubectl get nodes wrote; None: as configured.
        pods: with nodes from kubectl, the path of what kubectl get pods -A wrote.
        configuration: what holds where the scenario says nothing.
    """

    manifest: str
    values: Mapping[str, str] = _NOTHING
    value_files: Mapping[str, str] = _NOTHING
    cluster: str | None = None
    pods: str | None = None
    configuration: Configuration | None = None

    def updated(self) -> Sequence[WorkloadSpec]:
        """What the manifest holds that can be updated, KubeInfers first.

        Raises:
            InputError: something in it is wrong, or a hole is left open.
            UsageError: it holds nothing of the kind.
        """
        files = parse_settings((), [f"{name}={file}" for name, file in self.value_files.items()])
        workloads = load_manifest([self.manifest], set_values={**self.values, **files}).workloads
        updated = [each for each in workloads if each.kind in KINDS_ROLLED_OUT]
        if not updated:
            kinds = f"{', '.join(KINDS_ROLLED_OUT[:-1])} or {KINDS_ROLLED_OUT[-1]}"
            raise UsageError(f"{self.manifest} holds no {kinds}, so there is no update to simulate")
        names = NamesApart()
        names.note(workloads)
        return [*map(names.named, updated)]

    def configured(self, field: str) -> bool:
        """Whether the configuration has a field of a scenario's spec."""
        return self.configuration is not None and field in self.configuration.document.value
