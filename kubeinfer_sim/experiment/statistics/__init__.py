"""What can be said of many runs: estimates with intervals that hold, and when to stop."""
