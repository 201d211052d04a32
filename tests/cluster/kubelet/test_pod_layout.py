"""What the containers of a template are to a kubelet."""

from __future__ import annotations

from building import EVERY_SECOND, pod_template
from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind, layout_of
from kubeinfer_sim.manifest.model import Container


def test_sidecars_have_their_places_after_the_ordinary_containers_in_the_order_in_which_they_are_started() -> (
    None
):
    sidecar = Container("proxy", "proxy:1", restart_policy="Always")
    template = pod_template()
    template = replace(
        template,
        init_containers=(sidecar, Container("fetch", "fetch:1"), replace(sidecar, name="logger")),
        containers=(*template.containers, Container("router", "router:1")),
    )
    assert [(each.spec.name, each.kind, each.place, each.order) for each in layout_of(template).started] == [
        ("proxy", ContainerKind.SIDECAR, 2, 0),
        ("fetch", ContainerKind.INIT, 1, 1),
        ("logger", ContainerKind.SIDECAR, 3, 2),
        ("engine", ContainerKind.ORDINARY, 0, 3),
        ("router", ContainerKind.ORDINARY, 1, 4),
    ]


def test_a_pod_has_a_startup_probe_where_any_of_its_containers_has_one() -> None:
    probed = pod_template(startup=EVERY_SECOND)
    plain = pod_template()
    router = Container("router", "router:1")
    for template in (probed, plain):
        beside = replace(template, containers=(*template.containers, router))
        assert layout_of(beside).startup_probed is (template is probed)
