"""Numbers to people and machines."""
