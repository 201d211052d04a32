"""What is wrong at a hole of the manifest names the place in the scenario that fills it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scenario_files import HEAD, Load

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError

MANIFEST = "  manifest: {path: chat.yaml, set: {%s}}\n  cluster: 16x8\n"


@pytest.fixture
def wrong(load: Load) -> Callable[..., list[Diagnostic]]:
    def wrong(settings: str, more: str = "", **options: object) -> list[Diagnostic]:
        with pytest.raises(InputError) as caught:
            load(text=HEAD + MANIFEST % settings + more, **options)
        return list(caught.value.diagnostics)

    return wrong


def test_a_wrong_value_is_shown_where_the_manifest_has_the_hole_and_where_it_is_from(
    wrong: Callable[..., list[Diagnostic]],
) -> None:
    (found,) = wrong('replicas: -4, image: "vllm:1"')
    assert found.sentence == "spec.replicas: -4 must not be negative"
    assert (found.line, found.file.rsplit("/", 1)[-1]) == (5, "chat.yaml")
    assert found.hint.endswith("scenario.yaml:5:47: spec.manifest.set.replicas")


def test_a_value_nobody_asks_for_is_an_error_at_its_own_line(wrong: Callable[..., list[Diagnostic]]) -> None:
    (found,) = wrong('replicas: 4, image: "vllm:1", tag: x')
    assert found.where.endswith("scenario.yaml:5:67")
    assert "there is no hole ${tag}" in found.sentence


def test_a_value_of_an_update_is_told_at_the_update(wrong: Callable[..., list[Diagnostic]]) -> None:
    (found,) = wrong('replicas: 4, image: "vllm:1"', "  update: {set: {image: [1]}}\n")
    assert found.hint.endswith("scenario.yaml:7:25: spec.update.set.image")


def test_holes_left_open_are_filled_in_the_scenario(wrong: Callable[..., list[Diagnostic]]) -> None:
    (found,) = wrong("replicas: 4")
    assert "open holes: image" in found.hint
    assert found.hint.endswith("scenario.yaml:5 (spec.manifest)")


def test_a_value_from_the_command_line_is_nobodys_in_the_scenario(
    wrong: Callable[..., list[Diagnostic]],
) -> None:
    (found,) = wrong('replicas: 4, image: "vllm:1"', set_values={"replicas": "-4"})
    assert "scenario.yaml" not in found.hint
    (found,) = wrong('replicas: 4, image: "vllm:1"', set_values={"tag": "x"})
    assert found.where == "--set tag"


def test_more_pods_than_can_be_simulated_are_an_error(wrong: Callable[..., list[Diagnostic]]) -> None:
    (found,) = wrong('replicas: 2000000000, image: "vllm:1"')
    assert found.sentence.startswith("spec.manifest: chat has 6,000,000,000 pods, more than the 1,000,000")
    (found,) = wrong('replicas: 4, image: "vllm:1"', "  update: {set: {replicas: 500000}}\n")
    assert found.sentence.startswith("spec.update: chat has 1,500,000 pods")
