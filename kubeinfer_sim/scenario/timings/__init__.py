"""How long each stage takes: distributions, defaults with their sources, calibration."""
