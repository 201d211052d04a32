"""How a user writes the manifest of a scenario."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.forms import ShortForm, exactly_one


class ManifestForm(ShortForm):
    """A manifest: a path, or a path with values for its template, or a KubeInfer written in place."""

    short: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string", "description": "Path of the manifest, relative to this file."},
            {"type": "object", "required": ["apiVersion", "kind"], "description": "The KubeInfer itself."},
        ]
    }
    path: str | None = Field(None, description="Path of the manifest, relative to this file.")
    inline: dict[str, Any] | None = Field(None, description="The KubeInfer itself.")
    set: dict[str, Any] = Field(
        {}, description="Values for ${name} in the manifest: text, numbers, lists, mappings."
    )
    set_file: dict[str, str] = Field({}, description="Values for ${name}, read from files.")
    name: str | None = Field(None, description="Which KubeInfer, when there are several.")

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A path → `{path: …}`, a KubeInfer → `{inline: …}`."""
        if isinstance(value, str):
            return {"path": value}
        if isinstance(value, dict) and ("kind" in value or "apiVersion" in value):
            return {"inline": value}
        return value

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, "path", "inline")
        return self
