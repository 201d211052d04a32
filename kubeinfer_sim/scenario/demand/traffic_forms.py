"""How a user writes what is known of the traffic."""

from typing import Annotated

from pydantic import Field

from kubeinfer_sim.scenario.forms import Duration, Form
from kubeinfer_sim.scenario.timings.forms import DistributionForm


class TrafficForm(Form):
    """How readiness becomes traffic, and what the requests are like."""

    propagation: Duration = Field(
        "100ms", validate_default=True, description="A pod changes → the EndpointSlice is written and seen."
    )
    sync_period: Duration = Field(
        "1s",
        validate_default=True,
        description="The proxies' minSyncPeriod: 1s with iptables and nftables, 0s with ipvs.",
    )
    requests_per_second: Annotated[float, Field(gt=0)] | None = Field(
        None, description="That one instance in service gets (with perPod traffic: one pod)."
    )
    request_duration: DistributionForm | None = Field(None, description="From the first byte to the last.")
