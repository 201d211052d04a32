"""The picture of the README: `PYTHONPATH=tests python -m docs.picture` draws it anew, with Matplotlib.

It keeps within it what it was drawn from, so that a test can tell without drawing whether the program still says the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from zlib import crc32

from kubeinfer_sim import assess, load_scenario, simulate
from kubeinfer_sim.report.plots.plot import Plot
from kubeinfer_sim.report.plots.static import png
from kubeinfer_sim.report.plots.timeline import timeline_plot
from kubeinfer_sim.report.series.readiness import courses

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "scenarios" / "fault-mid-rollout.yaml"
FILE = ROOT / "docs" / "images" / "fault-mid-rollout.png"
_KEY = b"drawn-from\0"


def plot() -> Plot:
    (course,) = courses(assess(simulate(load_scenario(str(SCENARIO)))))
    return timeline_plot(course)


def digest(of: Plot) -> bytes:
    """Of all that is drawn."""
    return hashlib.sha256(json.dumps([of.data, of.layout], sort_keys=True).encode()).hexdigest().encode()


def drawn() -> bytes:
    """The picture as a PNG, with the digest as a text chunk before its end."""
    shown = plot()
    picture, text = png(shown), b"tEXt" + _KEY + digest(shown)
    chunk = (len(text) - 4).to_bytes(4) + text + crc32(text).to_bytes(4)
    end = picture.rindex(b"IEND") - 4
    return picture[:end] + chunk + picture[end:]


def drawn_from() -> bytes:
    """The digest that the file keeps."""
    return FILE.read_bytes().partition(_KEY)[2][: hashlib.sha256().digest_size * 2]


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(drawn())
