"""Names and formats against Kubernetes' own tables."""

import re

import pytest

from kubeinfer_sim.manifest.kubernetes import names


def dns1035_label(value: str) -> list[str]:
    """A DNS label that begins with a letter; nothing that is read is held to it."""
    letter_first = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?").fullmatch(value)
    return names.dns1123_label(value) or ([] if letter_first else ["must begin with a letter"])


CHECKS = {
    "dns1123_label": names.dns1123_label,
    "dns1123_subdomain": names.dns1123_subdomain,
    "dns1035_label": dns1035_label,
    "port_number": names.port_number,
    "port_name": names.port_name,
    "qualified_name": names.qualified_name,
    "label_value": names.label_value,
    "http_header_name": names.http_header_name,
    "percent": names.percent,
    "env_var_name_relaxed": names.relaxed_env_var_name,
}


@pytest.mark.vectors("k8s_names_and_formats")
def test_a_name_is_taken_or_refused_as_by_kubernetes(case):
    errors = CHECKS[case["kind"]](case["value"])
    assert (not errors) == case["valid"], errors


@pytest.mark.parametrize("check", [c for k, c in CHECKS.items() if k != "port_number"])
def test_a_trailing_line_break_is_never_overlooked(check):
    assert check("a%\n" if check is names.percent else "a\n")


def test_lengths_are_counted_in_bytes():
    assert any("63" in message for message in names.label_value("é" * 40))


def test_everything_wrong_with_a_key_is_told_at_once():
    assert len(names.qualified_name("/" + "-" * 70)) == 3
