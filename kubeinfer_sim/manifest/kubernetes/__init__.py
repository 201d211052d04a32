"""Kubernetes' own rules for what a user writes, as the API server of 1.36 applies them.

Everything here works on plain data (dict, list, str, int, float, bool, None) as YAML 1.1 decodes it.
"""
