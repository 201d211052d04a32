"""Kubernetes' own rules for what a user writes, as the API server of 1.36 applies them.

Everything here works on plain data (dict, list, str, int, float, bool, None) as YAML 1.1 decodes it. The parts
that need no validation stand alone: `names`, `quantity`, `labels`, `selectors`, `intstr`.
"""

from kubeinfer_sim.manifest.kubernetes.field_errors import FieldError, FieldWarning
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError

__all__ = ["FieldError", "FieldWarning", "Quantity", "QuantityError"]
