"""Variants of a scenario that differ in recovery: the policy of every role, rules from a file, a function."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path, PurePath
from typing import Literal, cast

from msgspec.structs import replace

from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.source import read_source
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import Action, Apply, Fault
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.recovery.compile import raised_kinds, read_recovery
from kubeinfer_sim.scenario.recovery.rules import with_policy

LEVELS = ("Instance", "Pod", "Custom")


def recovery_variants(scenario: Scenario, wanted: Sequence[str], role: str = "") -> list[Variant]:
    """A variant for each of `wanted`.

    `Instance`, `Pod` and `Custom` (with the scenario's own rules) set the policy of every role, or of the one named;
    the path of a file of kind Recovery means Custom with its rules; `module:function` Custom with a function that
    decides.

    Raises:
        InputError: what is wrong with a file of rules.
        UsageError: neither of these, one named twice, a function that cannot be loaded, or no such role.
    """
    roles = dict.fromkeys(each.name for kubeinfer in _versions(scenario) for each in kubeinfer.roles)
    if role and role not in roles:
        there = f"there are {', '.join(roles)}" if roles else "it is KubeInfers' that have roles"
        raise UsageError(
            f"--vary recovery.{role}: there is no such role{did_you_mean(role, roles)} ({there})"
        )
    variants = [_variant(scenario, text.strip(), role) for text in wanted]
    names = [variant.name for variant in variants]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--recovery: {name} is there twice")
    return variants


def _variant(scenario: Scenario, text: str, role: str) -> Variant:
    if text in LEVELS:
        level = cast('Literal["Instance", "Pod", "Custom"]', text)
        return Variant(text, _with_policy(scenario, level, role))
    custom = _with_policy(scenario, "Custom", role)
    if PurePath(text).suffix in (".yaml", ".yml", ".json") or Path(text).exists():
        source = read_source(text)
        struck = (action for action in scenario.actions if isinstance(action, Fault))
        rules = read_recovery(source, _versions(custom), raised_kinds(struck, scenario.faults))
        return Variant(PurePath(text).name, replace(custom, recovery=rules))
    if ":" in text:
        return Variant(text, custom, load_function(text))
    raise UsageError(
        f"--recovery: {text!r} is none of {', '.join(LEVELS)}, no file of rules, and no "
        f"module:function{did_you_mean(text, LEVELS)}"
    )


def load_function(text: str) -> RecoveryPlugin:
    """The function `module:function` names, from the Python path or the working directory.

    Raises:
        UsageError: there is none.
    """
    module, _, name = text.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"--recovery {text}: {error}") from None
    if not callable(function):
        raise UsageError(f"--recovery {text}: it is no function")
    return cast("RecoveryPlugin", function)


def _with_policy(scenario: Scenario, restart: Literal["Instance", "Pod", "Custom"], role: str) -> Scenario:
    def changed(action: Action) -> Action:
        if isinstance(action, Apply) and isinstance(action.workload, KubeInfer):
            return replace(action, workload=with_policy(action.workload, restart, role))
        return action

    return replace(
        scenario,
        workloads=tuple(
            with_policy(each, restart, role) if isinstance(each, KubeInfer) else each
            for each in scenario.workloads
        ),
        actions=tuple(changed(action) for action in scenario.actions),
    )


def _versions(scenario: Scenario) -> list[KubeInfer]:
    later = [action.workload for action in scenario.actions if isinstance(action, Apply)]
    return [each for each in (*scenario.workloads, *later) if isinstance(each, KubeInfer)]
