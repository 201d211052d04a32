"""Label selectors, node affinity and tolerations against Kubernetes' own tables."""

from types import SimpleNamespace

import pytest
from manifest.kubernetes.selector_language import parse_selector

from kubeinfer_sim.manifest.kubernetes.labels import (
    Requirement,
    matches_all,
    requirement_errors,
)
from kubeinfer_sim.manifest.kubernetes.selectors import (
    compare_numbers,
    match_node,
    match_node_selector_term,
    match_node_selector_terms,
    term_errors,
    tolerates,
    tolerates_taint,
)
from kubeinfer_sim.manifest.model import NodeSelectorRequirement, NodeSelectorTerm, Toleration


def requirements_of(rows):
    return tuple(
        NodeSelectorRequirement(r["key"], r["operator"], tuple(r.get("values") or ())) for r in rows or ()
    )


def term_of(row):
    return NodeSelectorTerm(
        requirements_of(row.get("matchExpressions")), requirements_of(row.get("matchFields"))
    )


def terms_of(selector):
    return tuple(term_of(row or {}) for row in selector.get("nodeSelectorTerms") or ())


def toleration_of(row):
    return Toleration(*(row.get(k, "") for k in ("key", "operator", "value", "effect")))


def taint_of(row):
    return SimpleNamespace(key=row["key"], value=row.get("value", ""), effect=row.get("effect", ""))


@pytest.mark.vectors("k8s_label_selectors")
def test_label_selectors_are_read_and_matched_as_by_kubernetes(case):
    match case["op"]:
        case "selector_string_matches":
            assert matches_all(parse_selector(case["selector"]), case["labels"]) == case["want"]
        case "requirements_match":
            rows = [Requirement(r["key"], r["operator"], tuple(r["values"])) for r in case["requirements"]]
            assert matches_all(rows, case["labels"]) == case["want"]
        case "new_requirement":
            errors = requirement_errors(case["key"], case["operator"], case["values"])
            assert [where for where, _ in errors] == case["error_fields"]
        case "parse_selector":
            if not case["valid"]:
                with pytest.raises(ValueError, match=r"found|missing|key|values|operator"):
                    parse_selector(case["input"])
                return
            want = tuple(
                Requirement(r["key"], r["operator"], tuple(sorted(r["values"]))) for r in case["requirements"]
            )
            assert (parse_selector(case["input"]) == want) == case["want_equal"]
        case op:
            pytest.fail(f"unknown operation {op}")


@pytest.mark.vectors("k8s_node_affinity")
def test_node_affinity_matches_as_in_kubernetes(case):
    match case["op"]:
        case "requirements_as_selector":
            term = NodeSelectorTerm(match_expressions=requirements_of(case["requirements"]))
            errors = [where.replace("matchExpressions", "root", 1) for where, _ in term_errors(term)]
            assert (errors or None) == case["want_error_fields"]
            if case["want"] == "matches nothing":
                assert not match_node_selector_term(term, {})
            return
        case "preferred_score":
            wanted = [(t["weight"], term_of(t["preference"])) for t in case["terms"]]
            wanted = [(weight, term) for weight, term in wanted if weight]
            errors = [
                f"[{i}].{where}"
                for i, row in enumerate(case["terms"])
                if row["weight"]
                for where, _ in term_errors(term_of(row["preference"]))
            ]
            assert (errors or None) == case["want_error_fields"]
            if not errors and case["node"]:
                node = case["node"]["metadata"]
                labels = node.get("labels") or {}
                score = sum(w for w, t in wanted if match_node_selector_term(t, labels, node.get("name", "")))
                assert score == case["want"]
            return
        case "pod_matches_node":
            spec = case["pod"].get("spec") or {}
            required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
                "requiredDuringSchedulingIgnoredDuringExecution"
            )
            terms = None if required is None else terms_of(required)
            found = match_node(
                spec.get("nodeSelector") or {}, terms, case["node_labels"] or {}, case["node_name"]
            )
        case "node_selector_match" | "node_selector_match_lazy":
            terms = terms_of(case["node_selector"])
            if case.get("want_error_fields"):
                errors = [
                    f"nodeSelectorTerms[{i}].{where}"
                    for i, term in enumerate(terms)
                    for where, _ in term_errors(term)
                ]
                strip = "nodeSelectorTerms"
                assert [e.removeprefix(strip) for e in errors] == [
                    e.removeprefix(strip) for e in case["want_error_fields"]
                ]
                return
            if case["node"] is None:
                found = False
            else:
                node = case["node"]["metadata"]
                found = match_node_selector_terms(terms, node.get("labels") or {}, node.get("name", ""))
        case op:
            pytest.fail(f"unknown operation {op}")
    assert found == case["want"]


@pytest.mark.vectors("k8s_tolerations")
def test_tolerations_cover_taints_as_in_kubernetes(case):
    gate = case.get("comparison_operators_enabled", False)
    match case["op"]:
        case "tolerates_taint":
            taint = taint_of(case["taint"])
            found = tolerates(toleration_of(case["toleration"]), taint, comparison_operators=gate)
        case "compare_numeric":
            found = compare_numbers(case["toleration_value"], case["taint_value"], case["operator"])
        case "all_filtered_taints_tolerated":
            taints = [taint_of(t) for t in case["taints"] or ()]
            # No filter is "all"; otherwise those count whose effect it names, with "none" not one.
            if (wanted := case.get("filter") or "all") != "all":
                taints = [t for t in taints if t.effect in wanted]
            tolerations = [toleration_of(t) for t in case["tolerations"] or ()]
            found = all(tolerates_taint(tolerations, t, comparison_operators=gate) for t in taints)
        case op:
            pytest.fail(f"unknown operation {op}")
    assert found == case["want"]


def test_a_node_without_the_label_passes_not_in():
    term = NodeSelectorTerm((NodeSelectorRequirement("zone", "NotIn", ("a",)),))
    assert match_node_selector_term(term, {})


def test_an_empty_term_matches_no_node():
    assert not match_node_selector_term(NodeSelectorTerm(), {"a": "b"}, "n")
