"""Init containers and postStart hooks that the scenario has fail: checked against the pods that are meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Container, PodTemplate, Role
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import StartFault, Target
from kubeinfer_sim.scenario.context import Context

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.failure_forms import InitFaultForm, PostStartFaultForm


def compile_start_fault(
    at: int,
    form: InitFaultForm | PostStartFaultForm,
    target: Target,
    until: int | None,
    roles: Sequence[Role],
    context: Context,
    path: Path,
) -> StartFault:
    """What fails; a container to which that can never happen is an error, which is noted.

    `roles` are those of the pods that `target` means, of all versions; none when the manifest is wrong.
    """
    # Only when one of them is written: forms take long to build.
    from kubeinfer_sim.scenario.actions.failure_forms import PostStartFaultForm

    if isinstance(form, PostStartFaultForm):
        _check_hooks(form, roles, context, path)
        return StartFault(at, target, form.container, times=form.times, until=until, what="postStart")
    _check_init(form, roles, context, path)
    code = form.exit_code
    if code is None:
        code = 137 if form.reason == "OOMKilled" else 1
    return StartFault(at, target, form.container, form.reason, code, form.times, until)


def _check_hooks(form: PostStartFaultForm, roles: Sequence[Role], context: Context, path: Path) -> None:
    containers = [each for role in roles for each in long_running(role.template)]
    hooked = list(dict.fromkeys(each.name for each in containers if each.post_start is not None))
    if not containers or (hooked and form.container in ("", *hooked)):
        return
    if not form.container:
        context.error(path, "none of these pods has a container with a postStart hook, so nothing would fail")
    elif any(form.container == each.name for each in containers):
        context.error((*path, "container"), f"{form.container!r} has no postStart hook that could fail")
    else:
        known = f" (with a hook: {', '.join(hooked)})" if hooked else ""
        what = f"none of these pods has a container {form.container!r}"
        context.error((*path, "container"), f"{what}{did_you_mean(form.container, hooked)}{known}")


def long_running(template: PodTemplate) -> list[Container]:
    """The containers and sidecars of a pod: those that may have probes and hooks."""
    return [
        *template.containers,
        *(each for each in template.init_containers if each.restart_policy == "Always"),
    ]


def _check_init(form: InitFaultForm, roles: Sequence[Role], context: Context, path: Path) -> None:
    templates = [role.template for role in roles]
    init = {each.name: each for template in templates for each in template.init_containers}
    ending = [name for name, each in init.items() if each.restart_policy != "Always"]
    if templates and not form.container and not ending:
        context.error(path, "none of these pods has an init container that has to end, so nothing would fail")
    elif templates and form.container and form.container not in ending:
        what = f"none of these pods has an init container {form.container!r}"
        if form.container in init:
            what = f"{form.container!r} is a sidecar (restartPolicy: Always) and does not have to end"
            context.error((*path, "container"), f"{what}: that it dies is said with crash")
        elif any(form.container == each.name for template in templates for each in template.containers):
            what = f"{form.container!r} is no init container"
            context.error((*path, "container"), f"{what}: that it dies is said with crash")
        else:
            known = f" (there are: {', '.join(ending)})" if ending else ""
            context.error((*path, "container"), f"{what}{did_you_mean(form.container, ending)}{known}")
