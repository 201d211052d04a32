"""The result for machines: `document.py` puts it together, and each other module is one part of it."""

from kubeinfer_sim.report.result.document import Result, build_result, result_json_schema, to_json

__all__ = ["Result", "build_result", "result_json_schema", "to_json"]
