"""Rules about recovery: the NPU reset label, recovery levels, and what they mean for a role's peers."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.manifest.checker import shown
from kubeinfer_sim.manifest.lint.probe_arithmetic import detection, window
from kubeinfer_sim.manifest.lint.rule import (
    KUBEINFERS,
    Finding,
    LintContext,
    TemplateAt,
    duration,
    has_npus,
    is_ascend,
    npus_of,
    plural,
    rule,
)
from kubeinfer_sim.manifest.model import RESET_LABEL
from kubeinfer_sim.manifest.suggest import alike

_SEMANTICS = "KubeInfer semantics, hardware faults; the vendor's YAML guide (KubeInfer+DP)"


def _without_label(each: TemplateAt) -> str:
    """What is seen of a broken NPU when nobody looks at it, and when."""
    engine = next((at.container for at in each.containers() if npus_of(at.container.requests)), None)
    if engine is None or engine.liveness_probe is None:
        return "a hardware fault is seen only if the process exits; a hang is never seen"
    seen = detection(engine.liveness_probe, hangs=True)
    text = f"a hang is seen by liveness after {seen}, and the container restarts on the same broken NPU"
    if engine.startup_probe is not None:
        text += f", up to {duration(window(engine.startup_probe).high)} at each attempt"
    return text


@rule(
    "KI012",
    "reset-label",
    Severity.WARNING,
    summary='the NPU reset label is missing, misspelt or not the string "true"',
    reason="""modelarts-infer-npu-reset-enable: "true" on the pod template ties KubeInfer to the Ascend device
    plugin: a hardware fault is seen within seconds, the recovery policy acts, the NPU is reset. Without it
    nobody looks at the NPU. Only symptoms are seen: the process exits, or hangs until liveness fails; the
    container then restarts on the same broken NPU, and each attempt may use up the whole startup window.""",
    right='modelarts-infer-npu-reset-enable: "true", in quotes, in the labels of every template that asks for NPUs.',
    source=_SEMANTICS,
    kinds=KUBEINFERS,
)
def reset_label(context: LintContext) -> Iterator[Finding]:
    """Fires for roles with NPUs of Ascend: only these have such a device plugin."""
    for each in context.roles():
        labels = each.role.template.labels
        value = labels.get(RESET_LABEL)
        if not is_ascend(each.role.template) or value == "true":
            continue
        path = (*each.path, "template", "metadata", "labels")
        instead = _without_label(each.pods)
        if value is not None:
            message = f'is {shown(value)}, not "true", and has no effect: {instead}'
            yield Finding((*path, RESET_LABEL), message, f'write {RESET_LABEL}: "true"')
            continue
        near = next((key for key in labels if _alike(key)), None)
        if near is not None:
            message = f"looks like {RESET_LABEL} but is not: {instead}"
            yield Finding((*path, near), message, f'write {RESET_LABEL}: "true"', key=True)
        else:
            message = f"there is no label {RESET_LABEL}: {instead}"
            yield Finding(path, message, f'add {RESET_LABEL}: "true"', key=True)


def _alike(key: str) -> bool:
    name = key.rpartition("/")[2].lower().replace("_", "-")
    return alike(name, RESET_LABEL) > 0.85


@rule(
    "KI013",
    "roles-recover-differently",
    Severity.WARNING,
    summary="roles with NPUs differ in the reset label or in their recovery level",
    reason="""The policy of the role whose pod failed is the one that applies. When the roles of one instance
    differ, the same fault restarts the whole instance on one node and a single pod on another, and a hardware
    fault is seen in one role and not in the next. That is seldom meant. Roles without NPUs, such as a router,
    may well differ.""",
    right="The same label and the same recoveryPolicy.restart in all roles that ask for NPUs.",
    source="KubeInfer semantics, recovery; the vendor's YAML guide",
    kinds=KUBEINFERS,
)
def roles_recover_differently(context: LintContext) -> Iterator[Finding]:
    """Fires at the first role that differs from the first one with NPUs."""
    roles = [each for each in context.roles() if has_npus(each.role.template)]
    if not roles:
        return
    first = roles[0].role
    for each in roles[1:]:
        level, usual = each.role.recovery_policy.restart, first.recovery_policy.restart
        if level != usual:
            yield Finding(
                (*each.path, "recoveryPolicy", "restart"),
                f"a fault in {each.role.name} restarts by {level}, one in {first.name} by {usual}",
                f"write restart: {usual} in both, unless the difference is meant",
            )
    roles = [each for each in roles if is_ascend(each.role.template)]
    labelled = [each for each in roles if each.role.template.labels.get(RESET_LABEL) == "true"]
    if labelled and len(labelled) < len(roles):
        missing = [each.role.name for each in roles if each not in labelled]
        odd = next(each for each in roles if each not in labelled)
        yield Finding(
            (*odd.path, "template", "metadata", "labels"),
            f"hardware faults are seen in {plural(len(labelled), 'role')} of {len(roles)} with NPUs, not in "
            f"{', '.join(missing)}",
            f'write {RESET_LABEL}: "true" in all of them',
            key=True,
        )


@rule(
    "KI014",
    "pod-recovery-in-a-group",
    Severity.WARNING,
    summary="Pod-level recovery on a role whose pods form one collective group",
    reason="""Pods of a role with NPUs work together over HCCL. When one of them is rebuilt alone, the others
    go on waiting for the lost member until HCCL's own timeout (about 30 min by default), and the new one
    cannot join the old group. The instance is not Ready all that time, longer than a restart of the instance
    takes.""",
    right="recoveryPolicy.restart: Instance on roles with several pods.",
    source="KubeInfer semantics, recovery (Pod); HCCL_EXEC_TIMEOUT in the CANN documentation",
    kinds=KUBEINFERS,
)
def pod_recovery_in_a_group(context: LintContext) -> Iterator[Finding]:
    """Fires for roles with NPUs and several pods."""
    for each in context.roles():
        role = each.role
        if role.recovery_policy.restart == "Pod" and role.replicas > 1 and has_npus(role.template):
            wait = duration(context.expectations.peer_timeout)
            yield Finding(
                (*each.path, "recoveryPolicy", "restart"),
                f"when one of {role.replicas} pods is rebuilt, the other {role.replicas - 1} wait for the lost peer, "
                f"up to {wait}",
                "write restart: Instance",
            )


@rule(
    "KI015",
    "custom-recovery-without-rules",
    Severity.WARNING,
    summary="Custom recovery: a manifest cannot hold its rules",
    reason="""The vendor publishes nothing on what restart: Custom does. A manifest has no place for rules, and
    without rules the simulator takes it to mean that the kubelet restarts the container and nothing else
    happens: no rebuild of the instance, no other node, no answer to a hardware fault.""",
    right="restart: Instance or Pod; or rules for Custom in the scenario, which a simulation then plays.",
    source="KubeInfer semantics, recovery (Custom)",
    kinds=KUBEINFERS,
)
def custom_recovery_without_rules(context: LintContext) -> Iterator[Finding]:
    """Fires for every role with Custom recovery."""
    for each in context.roles():
        if each.role.recovery_policy.restart == "Custom":
            yield Finding(
                (*each.path, "recoveryPolicy", "restart"),
                f"what Custom does is not published, and a manifest holds no rules: of a fault in "
                f"{plural(each.role.replicas, 'pod')} only the container's restart by the kubelet is certain",
                "write restart: Instance, or give rules in the scenario",
            )
