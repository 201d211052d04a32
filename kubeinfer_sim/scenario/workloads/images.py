"""`kubectl set image`: the patch that gives containers of a workload another image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.context import Context

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.object_forms import SetImageForm

_LISTS = ("containers", "initContainers")


def image_patch(
    raw: Mapping[str, Any], form: SetImageForm, context: Context, path: Path
) -> dict[str, Any] | None:
    """The merge patch of a workload as written, of all its roles; None where no container is meant, which is noted."""
    template = raw["spec"]["template"]
    roles = template["spec"].get("roles") if isinstance(template.get("spec"), Mapping) else None
    templates = [template] if roles is None else [role["template"] for role in roles]
    names = [each["name"] for pod in templates for key in _LISTS for each in pod["spec"].get(key) or ()]
    if form.container not in ("*", *names):
        known = list(dict.fromkeys(names))
        context.error(
            (*path, "container"),
            f"unable to find container named {form.container!r}{did_you_mean(form.container, known)} "
            f"(there are: {', '.join(known)})",
        )
        return None
    if roles is None:
        return {"spec": {"template": {"spec": _with_image(template["spec"], form)}}}
    changed = [
        {**role, "template": {**role["template"], "spec": {**spec, **_with_image(spec, form)}}}
        for role in roles
        for spec in [role["template"]["spec"]]
    ]
    return {"spec": {"template": {"spec": {"roles": changed}}}}


def _with_image(spec: Mapping[str, Any], form: SetImageForm) -> dict[str, Any]:
    return {
        key: [
            {**each, "image": form.image} if form.container in ("*", each["name"]) else each
            for each in spec[key]
        ]
        for key in _LISTS
        if spec.get(key)
    }
