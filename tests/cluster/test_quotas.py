"""Which pods a ResourceQuota counts, and which of several says no."""

from __future__ import annotations

from typing import Any

import pytest
from building import pod_template
from msgspec.structs import replace

from kubeinfer_sim.cluster.quota import Quotas
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.scenario.cluster.model import QuotaScope, ResourceQuota

NONE = {"pods": Quantity.parse("0")}


def template(**spec: Any) -> PodTemplate:
    made = pod_template(npus=0)
    return replace(made, raw={"spec": spec}, priority_class_name=spec.get("priorityClassName", ""))


@pytest.mark.parametrize(
    ("scope", "spec", "counts"),
    [
        (QuotaScope("Terminating"), {}, False),
        (QuotaScope("Terminating"), {"activeDeadlineSeconds": 5}, True),
        (QuotaScope("NotTerminating"), {}, True),
        (QuotaScope("NotTerminating"), {"activeDeadlineSeconds": 5}, False),
        (QuotaScope("BestEffort"), {}, True),
        (QuotaScope("NotBestEffort"), {}, False),
        (QuotaScope("PriorityClass"), {}, False),
        (QuotaScope("PriorityClass"), {"priorityClassName": "high"}, True),
        (QuotaScope("PriorityClass", "In", ("low",)), {"priorityClassName": "high"}, False),
        (QuotaScope("PriorityClass", "NotIn", ("low",)), {"priorityClassName": "high"}, True),
        (QuotaScope("CrossNamespacePodAffinity"), {}, False),
    ],
)
def test_a_quota_counts_the_pods_of_its_scopes(scope: QuotaScope, spec: dict[str, Any], counts: bool) -> None:
    quotas = Quotas()
    quotas.put(ResourceQuota("q", "prod", NONE, (scope,)))
    assert (quotas.refusal("prod", [("chat-0", template(**spec))]) is not None) is counts
    assert quotas.refusal("other", [("chat-0", template(**spec))]) is None


def test_of_several_that_are_exceeded_the_first_by_name_says_so() -> None:
    quotas = Quotas()
    for name in ("b", "a", "c"):
        quotas.put(ResourceQuota(name, "prod", NONE))
    refused = quotas.refusal("prod", [("chat-0", template())])
    assert refused is not None
    assert "exceeded quota: a," in refused.message
    quotas.delete("prod", "a")
    refused = quotas.refusal("prod", [("chat-0", template())])
    assert refused is not None
    assert "exceeded quota: b," in refused.message


def test_a_pod_whose_object_is_gone_counts_no_longer() -> None:
    quotas = Quotas()
    quotas.put(ResourceQuota("q", "prod", {"count/pods": Quantity.parse("1")}))
    one = template()
    quotas.pod_created("prod", one)
    quotas.pod_finished("prod", one)
    assert quotas.refusal("prod", [("chat-1", one)]) is not None
    quotas.pod_gone("prod")
    assert quotas.refusal("prod", [("chat-1", one)]) is None
