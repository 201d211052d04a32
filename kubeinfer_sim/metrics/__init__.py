"""History to numbers."""
