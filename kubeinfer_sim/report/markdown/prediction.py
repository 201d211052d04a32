"""What a change does to time and availability, as lines of Markdown."""

from __future__ import annotations

from kubeinfer_sim.experiment.prediction import Prediction
from kubeinfer_sim.report.markdown.text import escaped, table
from kubeinfer_sim.report.prediction import NAMES, prediction_rows, prediction_sentences


def prediction_markdown(prediction: Prediction) -> list[str]:
    """A table with a column for each update, and what became of the bounds."""
    rows = [[*map(escaped, row)] for row in prediction_rows(prediction)]
    said = [f"- {escaped(each)}" for each in prediction_sentences(prediction)]
    return [*table(["", *NAMES.values()], rows), "", *said, ""]
