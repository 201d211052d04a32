"""Losses that rest on how pods are taken to be placed, in words."""

from __future__ import annotations

from kubeinfer_sim.metrics.packed_pods import packed_pods
from kubeinfer_sim.report.causes import cause_text
from kubeinfer_sim.report.verdict import Assessment
from kubeinfer_sim.report.words import count


def packed_lines(assessment: Assessment) -> list[str]:
    """`4 of 4 pods of Deployment gw were on one node (node-0 died at 10m) though others had room: …`."""
    scenario = assessment.run.scenario
    placement = scenario.assumptions.placement
    return [
        f"{each.struck:,} of {count(each.there, 'pod')} of {each.kind} {each.name} were on one node "
        f"({cause_text(each.began_with)}) though others had room: that rests on the assumption placement "
        f"{placement}; kube-scheduler by default spreads them: compare --assume placement={placement},default"
        for each in packed_pods(scenario, assessment.cluster.deployments)
    ]
