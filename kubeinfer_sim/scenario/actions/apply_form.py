"""How a user writes another version of what is simulated."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.actions.manifest_form import ManifestForm
from kubeinfer_sim.scenario.forms import OnlyTrue, ShortForm


class ApplyForm(ShortForm):
    """Another version of the KubeInfer: a manifest, the same with other values, a patch, a new revision."""

    short: ClassVar[dict[str, Any]] = ManifestForm.short
    path: str | None = Field(None, description="Path of the manifest; left out: the scenario's own.")
    inline: dict[str, Any] | None = Field(None, description="The KubeInfer itself.")
    set: dict[str, Any] | None = Field(None, description="Values for ${name}, over the manifest's own.")
    set_file: dict[str, str] | None = Field(None, description="Values for ${name}, read from files.")
    name: str | None = Field(None, description="Which KubeInfer, when there are several.")
    patch: dict[str, Any] | None = Field(None, description="JSON merge patch (RFC 7386) of the KubeInfer.")
    new_revision: OnlyTrue | None = Field(
        None, description="The same KubeInfer, its templates annotated as `kubectl rollout restart` does."
    )

    @classmethod
    def expand(cls, value: Any) -> Any:
        """As a manifest."""
        return ManifestForm.expand(value)

    @model_validator(mode="after")
    def _one(self) -> Self:
        manifest = self.path is not None or self.inline is not None
        if self.path is not None and self.inline is not None:
            raise ValueError("expected one of path and inline, found both")
        values = self.set is not None or self.set_file is not None
        kinds = [manifest or values, self.patch is not None, self.new_revision is not None]
        if sum(kinds) != 1:
            raise ValueError(
                "expected exactly one of a manifest (path, inline, set, setFile), patch, newRevision"
            )
        return self
