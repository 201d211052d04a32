"""Tables of results as DataFrames of pandas, an extra."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.errors import UsageError


def data_frame(data: Any) -> Any:
    """A DataFrame of rows, or of columns by name.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        from pandas import DataFrame
    except ImportError:
        raise UsageError("to_pandas needs pandas: pip install 'kubeinfer-sim[pandas]'") from None
    return DataFrame(data)
