"""The load that is offered, and what is known of the traffic."""
