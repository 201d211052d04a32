"""What a simulation leaves behind: data, and nothing that is alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from kubeinfer_sim.engine.history import History, Record
from kubeinfer_sim.engine.meter import End
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.scenario.model import Scenario

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.devices.repair import Due
    from kubeinfer_sim.simulation.pod_objects import PodAt


class Run(Struct, frozen=True):
    """A finished simulation. It can be pickled, kept and sent elsewhere; whatever is told of it is read from here.

    Attributes:
        history: all that happened; empty, but for the number of its records, where it was not kept.
        ended_at: the time of the last thing that happened, or the horizon, in ms.
        end: `settled`: nothing is waiting any more; `quiet`: events go on (a crash loop), but nothing came
            nearer to its end for `scenario.quiet_after`, or pods are evicted as fast as they come; `horizon`: stopped
            at the scenario's horizon; `loop`: things cause each other again and again within one instant, so that time
            stands still.
        fired: how many timers the engine fired.
        due: what would have been mended after the end, soonest first.
        cycle: what happened again and again in the instant in which time stood still; of such a run alone.
        endlessly: it was given up since pods come as fast as a tainted node evicts them, or a kubelet rejects them.
        pods: the objects of the pods that exist at the end; None where nobody wanted them read.
        over: nothing at all is due any more: all stays as it is.
        idle: for how many ms nothing had come nearer to its end, where it was given up before anything else ended it.
        drawn: how many pods got nodes that chance chose among nodes of equal score.
        by_chance: whether anything was drawn, so that another seed may give another run.
    """

    scenario: Scenario
    history: History
    ended_at: int
    end: End
    fired: int
    seed: int
    pods: tuple[PodAt, ...] | None
    due: tuple[Due, ...] = ()
    cycle: tuple[Record, ...] = ()
    endlessly: Literal["", "evicted", "rejected"] = ""
    drawn: int = 0
    by_chance: bool = False
    over: bool = False
    idle: int = 0

    plot_timeline = WrittenIn("report.pictures", "plot_timeline")
    plot_stages = WrittenIn("report.pictures", "plot_stages")
    plot_accelerators = WrittenIn("report.pictures", "plot_accelerators")
    plot_lost_time = WrittenIn("report.pictures", "plot_lost_time")
    _repr_html_ = WrittenIn("report.notebook", "html_of")
