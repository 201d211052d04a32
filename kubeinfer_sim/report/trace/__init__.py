"""A run as a trace for the Perfetto UI: what is told, and how it is written."""
