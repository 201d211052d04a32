"""A workload of a scenario as it changes with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Kind, KubeInfer, WorkloadSpec
from kubeinfer_sim.manifest.names_apart import full_name
from kubeinfer_sim.scenario.actions.model import PATCH, Change

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.apply_form import ApplyForm
    from kubeinfer_sim.scenario.actions.forms import ActionForm


class WorkloadLine(Protocol):
    """What each kind of workload can do.

    Methods that make actions return none where something is wrong, which is noted.
    """

    kind: Kind
    #: Its pods stand in instances and roles; else they are told apart by their numbers.
    has_instances: bool

    @property
    def current(self) -> WorkloadSpec:
        """The version in force after the actions so far."""
        ...

    @property
    def versions(self) -> Sequence[KubeInfer]:
        """Every version, the one at time 0 first, as a KubeInfer: for whatever only asks which pods there are."""
        ...

    def change(self, form: ActionForm, path: Path) -> Sequence[Change]:
        """An action on this one: apply, patch, scale, pause, resume, rollback."""
        ...

    def applied(self, at: int, form: ApplyForm, path: Path) -> Sequence[Change]:
        """Another version of this one."""
        ...

    def patch(
        self, at: int, patch: Mapping[str, Any], path: Path, label: str = PATCH, *, placed: bool = True
    ) -> Sequence[Change]:
        """The version in force with a JSON merge patch; findings are `placed` in the patch, or at `path`."""
        ...

    def take(self, at: int, spec: Any, label: str) -> Sequence[Change]:
        """Another version, of the same name and namespace."""
        ...


def another_object(workload: WorkloadSpec, current: WorkloadSpec) -> str:
    """Why one object is no new version of another, where it is none."""
    return (
        f"this is {workload.kind} {full_name(workload)}, another object than "
        f"{full_name(current)}; an update keeps name and namespace"
    )
