"""Rules of recovery, checked: every name is known, and something can come to every rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.accelerators import common_family
from kubeinfer_sim.manifest.model import RESET_LABEL, KubeInfer, Role
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.recovery.faults import Phase, can_have, known_faults
from kubeinfer_sim.scenario.recovery.rules import GiveUp, RecoveryRule
from kubeinfer_sim.scenario.timings.compile import unknown_role


class Failure(NamedTuple):
    """A failure that may come to the rules; `exit_code` None where no container died."""

    role: str
    fault: str
    phase: Phase
    exit_code: int | None


def check_rules(
    rules: Sequence[RecoveryRule],
    versions: Sequence[KubeInfer],
    context: Context,
    path: Path,
    raised: frozenset[str] = frozenset(),
) -> None:
    """Note unknown names, and rules that nothing comes to; `versions` empty: the manifest is wrong.

    `raised`: kinds of faults that ask for recovery because the scenario gives them another level than their own.
    """
    known = known_faults()
    roles = {role.name: role for version in versions for role in version.roles}
    sound = True
    for index, rule in enumerate(rules):
        here = (*path, index)
        for place, name in enumerate(rule.faults):
            if name not in known:
                sound = False
                context.error(
                    (*here, "faults", place),
                    f"there is no fault {name!r}{did_you_mean(name, known)} (faults: {', '.join(known)})",
                )
        if not roles:
            continue
        for place, name in enumerate(rule.roles):
            if name not in roles:
                sound = False
                context.error((*here, "roles", place), unknown_role(name, list(roles)))
        for place, entry in enumerate(rule.give_up):
            sound &= _check_give_up(entry, rule, roles, context, (*here, "giveUp", place))
    if not roles or not sound:
        return
    custom = _custom_roles(versions)
    if not custom:
        context.error(
            path, "no role has recoveryPolicy.restart Custom, so no failure ever comes to these rules"
        )
        return
    _check_reach(rules, custom, context, path, raised)


def _check_give_up(
    entry: GiveUp, rule: RecoveryRule, roles: Mapping[str, Role], context: Context, path: Path
) -> bool:
    if entry.role not in roles:
        context.error(path, unknown_role(entry.role, list(roles)))
    elif rule.roles == (entry.role,):
        context.error(path, f"role {entry.role!r} cannot give up pods to save itself")
    elif entry.keep >= roles[entry.role].replicas:
        pods = roles[entry.role].replicas
        context.error(path, f"role {entry.role!r} has {pods} and keeps {entry.keep}: nothing to give up")
    else:
        return True
    return False


def _custom_roles(versions: Sequence[KubeInfer]) -> dict[str, Role]:
    return {
        role.name: role
        for version in versions
        for role in version.roles
        if role.recovery_policy.restart == "Custom"
    }


def _check_reach(
    rules: Sequence[RecoveryRule],
    roles: Mapping[str, Role],
    context: Context,
    path: Path,
    raised: frozenset[str],
) -> None:
    """A rule that matches no failure that can happen, or none that no rule before it takes."""
    left = list(possible_failures(rules, roles.values(), raised))
    every = list(left)
    for index, rule in enumerate(rules):
        if not any(rule.matches(*failure) for failure in left):
            before = next(
                (
                    place + 1
                    for failure in every
                    if rule.matches(*failure)
                    for place, other in enumerate(rules[:index])
                    if other.matches(*failure)
                ),
                None,
            )
            why = (
                "no failure that can happen matches it" + _why_impossible(rule, roles, raised)
                if before is None
                else f"the rules before it take all it matches, rule {before} first"
            )
            context.error((*path, index), f"no failure ever comes to this rule: {why}")
        left = [failure for failure in left if not rule.matches(*failure)]


def possible_failures(
    rules: Sequence[RecoveryRule], roles: Iterable[Role], raised: frozenset[str] = frozenset()
) -> Iterator[Failure]:
    """Every kind of failure the roles can have, told apart as far as the rules can."""
    named = sorted({code for rule in rules for code in rule.exit_codes} - {0})
    other = max(named, default=0) + 1
    for role, (name, fault) in product(roles, known_faults().items()):
        if not can_have(role, fault) or not (fault.acts or name in raised):
            continue
        codes: tuple[int | None, ...]
        codes = (*named, other) if fault.exit_codes is None else fault.exit_codes or (None,)
        for phase, code in product(fault.phases, codes):
            yield Failure(role.name, name, phase, code)


def _why_impossible(rule: RecoveryRule, roles: Mapping[str, Role], raised: frozenset[str]) -> str:
    """The plainest reason why a rule matches nothing, when there is one."""
    known = known_faults()
    if rule.roles and not any(name in roles for name in rule.roles):
        return f" (of {', '.join(rule.roles)} no recoveryPolicy.restart is Custom)"
    for name in rule.faults[:1]:
        fault = known[name]
        if rule.phase and rule.phase not in fault.phases:
            return f" ({name} happens only while {' or '.join(fault.phases)})"
        if rule.exit_codes and fault.exit_codes is not None:
            codes = ", ".join(map(str, fault.exit_codes)) or "no exit code"
            return f" ({name} comes with {codes})"
        if not (fault.acts or name in raised):
            return f" (pods run on at the level of {name}; a fault may be given another one)"
        if not any(can_have(role, fault) for role in roles.values()):
            noun = common_family(role.template.requests for role in roles.values()).noun
            needs = (
                f"a {fault.probe} probe" if fault.probe else f'{noun}s and the label {RESET_LABEL}: "true"'
            )
            return f" ({name} needs {needs})"
    return ""
