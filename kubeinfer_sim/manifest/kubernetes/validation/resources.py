"""Requests and limits: names of resources, amounts, requests against limits, claims.

Sources: pkg/apis/core/validation/validation.go (`validateResourceRequirements`), pkg/apis/core/helper/helpers.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import dns1123_label, qualified_name
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError

HUGE_PAGES = "hugepages-"
_CONTAINER_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})
_INTEGER_RESOURCES = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    }
)
_STANDARD_RESOURCES = (
    _CONTAINER_RESOURCES
    | _INTEGER_RESOURCES
    | {f"{kind}.{name}" for kind in ("requests", "limits") for name in _CONTAINER_RESOURCES}
    | {"storage", "requests.storage"}
)

#: A check of a resource name that belongs to one kind of object.
NameCheck = Callable[[str, Field, Errors], None]


def is_native_resource(name: str) -> bool:
    """Whether a name belongs to Kubernetes itself: no domain, or one containing `kubernetes.io/`."""
    return "/" not in name or "kubernetes.io/" in name


def is_extended_resource(name: str) -> bool:
    """Whether a name is an extended resource such as `huawei.com/ascend-1980`."""
    if is_native_resource(name) or name.startswith("requests."):
        return False
    return not qualified_name(f"requests.{name}")


def is_integer_resource(name: str) -> bool:
    """Whether amounts of a resource must be whole."""
    return name in _INTEGER_RESOURCES or is_extended_resource(name)


def is_container_resource(name: str) -> bool:
    """Whether a name without a domain is a resource a container can ask for."""
    return name in _CONTAINER_RESOURCES or name.startswith(HUGE_PAGES)


def is_overcommit_allowed(name: str) -> bool:
    """Whether a request may differ from its limit."""
    return is_native_resource(name) and not name.startswith(HUGE_PAGES)


def validate_resource_name(name: str, at: Field, errors: Errors) -> bool:
    """A resource's name in general; whether it is fine."""
    if messages := qualified_name(name):
        errors.check(at, name, messages)
        return False
    if "/" not in name and not (
        name in _STANDARD_RESOURCES or name.startswith((HUGE_PAGES, f"requests.{HUGE_PAGES}"))
    ):
        errors.invalid(at, name, "must be a standard resource or have a domain (e.g. example.com/name)")
        return False
    return True


def validate_container_resource_name(name: str, at: Field, errors: Errors) -> None:
    """A resource a container can ask for."""
    validate_resource_name(name, at, errors)
    if "/" not in name:
        if not is_container_resource(name):
            errors.invalid(
                at, name, "must be cpu, memory, ephemeral-storage, hugepages-<size> or have a domain"
            )
    elif not is_native_resource(name) and not is_extended_resource(name):
        errors.invalid(at, name, "must be the name of an extended resource (e.g. example.com/name)")


def validate_pod_resource_name(name: str, at: Field, errors: Errors) -> None:
    """A resource that can be asked for by the pod as a whole."""
    if validate_resource_name(name, at, errors) and not (
        name in ("cpu", "memory") or name.startswith(HUGE_PAGES)
    ):
        errors.not_supported(at, name, ("cpu", "memory", "hugepages-<size>"))


def validate_quantity(name: str, quantity: Quantity, at: Field, errors: Errors) -> None:
    """An amount of a resource: not negative, whole where the resource is counted."""
    if quantity.sign < 0:
        errors.invalid(at, str(quantity), "must be greater than or equal to 0")
    if is_integer_resource(name) and not quantity.is_integer():
        errors.invalid(at, str(quantity), f"must be a whole number of {name}")


def _check_huge_pages(name: str, quantity: Quantity, at: Field, errors: Errors) -> None:
    try:
        page = Quantity.parse(name.removeprefix(HUGE_PAGES))
    except QuantityError:
        page = Quantity(0)
    if page.sign <= 0 or not page.is_integer() or quantity.value() % page.value():
        errors.invalid(at, str(quantity), f"must be a multiple of the page size of {name}")


def validate_resource_requirements(
    resources: Mapping[str, Any],
    claim_names: Collection[str],
    at: Field,
    errors: Errors,
    check_name: NameCheck = validate_container_resource_name,
) -> None:
    """Requests, limits and claims of a container, or with another `check_name` of a pod."""
    limits: Mapping[str, Quantity] = resources.get("limits", {})
    requests: Mapping[str, Quantity] = resources.get("requests", {})
    limits_at, requests_at = at.child("limits"), at.child("requests")
    for place, quantities in ((limits_at, limits), (requests_at, requests)):
        for name, quantity in quantities.items():
            entry = place.key(name)
            check_name(name, entry, errors)
            validate_quantity(name, quantity, entry, errors)
            if name.startswith(HUGE_PAGES):
                _check_huge_pages(name, quantity, entry, errors)
    for name, quantity in requests.items():
        entry = requests_at.child(name, "")
        limit = limits.get(name)
        if limit is None:
            if not is_overcommit_allowed(name):
                errors.required(
                    limits_at, f"must have {name} too: its request and its limit must be given and be equal"
                )
        elif not is_overcommit_allowed(name):
            if quantity != limit:
                errors.invalid(entry, str(quantity), f"must be equal to the {name} limit of {limit}")
        elif quantity > limit:
            errors.invalid(entry, str(quantity), f"must be less than or equal to the {name} limit of {limit}")
    names = [*limits, *requests]
    if any(name.startswith(HUGE_PAGES) for name in names) and not any(n in ("cpu", "memory") for n in names):
        errors.forbidden(at, "hugepages need cpu or memory beside them")
    _validate_claims(resources.get("claims", ()), claim_names, at.child("claims"), errors)


def _validate_claims(
    claims: Sequence[Mapping[str, Any]], claim_names: Collection[str], at: Field, errors: Errors
) -> None:
    """Claims must be among the pod's, each used once as a whole or by distinct requests."""
    used: set[str] = set()
    requests: Counter[str] = Counter()  # by claim, so that a flood of claims takes no square of time
    known = ", ".join(sorted(claim_names)[:5]) + ", ..." * (len(claim_names) > 5) or "which is empty"
    for i, claim in enumerate(claims):
        place = at.index(i)
        name, request = claim.get("name", ""), claim.get("request", "")
        if not name:
            errors.required(place, "needs the name of one of the pod's resourceClaims")
            continue
        if name in used:
            errors.duplicate(place, name)
        else:
            key = f"{name}/{request}" if request else name
            if request:
                errors.check(place.child("request"), request, dns1123_label(request))
            if key in used:
                errors.duplicate(place, key)
            elif request:
                requests[name] += 1
            else:
                for _ in range(requests[name]):
                    errors.duplicate(place, name)
            used.add(key)
        if name not in claim_names:
            errors.not_found(place, name, f"must be one of the pod's resourceClaims ({known})")
