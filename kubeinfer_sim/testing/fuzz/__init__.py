"""What `kubeinfer-sim fuzz` searches: every single fault at every moment of a run, and what is near a scenario."""
