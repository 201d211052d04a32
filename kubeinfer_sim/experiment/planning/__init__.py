"""The cheapest combination of knobs whose objectives hold."""
