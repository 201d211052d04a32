"""What may happen: cluster, timings, actions on a time line, assumptions, objectives."""
