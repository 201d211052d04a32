"""AIReSim's training job on the engine of this simulator: one job on thousands of servers that fail and are repaired.

AIReSim (Karthik Pattabiraman, github.com/karthikp-ubc/airesim) simulates, with SimPy, a job that runs on all of its
servers at once. Whichever fails first stops the job, which reloads its checkpoint and goes on with a warm standby in
the place of the failed server; with no standby left hosts are selected anew, if need be with servers preempted from a
spare pool. Failed servers go through an automated and perhaps a manual repair. Some servers are bad: they fail more
often, until a repair cures them. What it publishes is in its docs/SIMULATION_REPORT.md, its parameters in
airesim/params.py (the defaults below); the rules were read from its modules and are written here anew.

Two rules of who goes on to manual repair exist. `"any"` belongs to the published 9,865.97 h: 80 % of *all* servers
whose automated repair has ended. The report of September 2026 calls that a bug; since then (`"failed"`) only repairs
that failed can be escalated, and it publishes 9,832.32 h.

Times inside are milliseconds. What costs here is what happens: no look at all 4,096 servers when one fails.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Stream, Streams

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class Parameters:
    """AIReSim's default job. Rates per server-day, times in milliseconds."""

    failures_per_day: float = 0.01
    bad_factor: float = 5.0  # a bad server has systematic failures, so many times as often, on top
    bad_fraction: float = 0.15
    job_servers: int = 4096
    job_length: int = 256 * DAY
    warm_standbys: int = 16
    working_pool: int = 4160
    spare_pool: int = 200
    recovery: int = 20 * MINUTE
    host_selection: int = 3 * MINUTE
    preemption: int = 20 * MINUTE
    auto_repair: int = 120 * MINUTE  # means of exponential distributions
    manual_repair: int = 2 * DAY
    escalated: float = 0.80
    auto_repair_fails: float = 0.40
    manual_repair_fails: float = 0.20
    escalation: Literal["any", "failed"] = "any"

    @property
    def repair_fails(self) -> float:
        """The chance that a server comes back from its repairs as it was."""
        if self.escalation == "any":
            return (1 - self.escalated) * self.auto_repair_fails + self.escalated * self.manual_repair_fails
        return self.auto_repair_fails * (1 - self.escalated * (1 - self.manual_repair_fails))

    @property
    def expected_failures(self) -> float:
        """Closed form: the random failures of servers at work, and the systematic ones of each bad server.

        A bad server of the working pool fails until a repair cures it, 1 / P(cured) times, for the job is far longer
        than its 17 days between failures; all but one in `bad_factor` + 1 of these are systematic.
        """
        at_work = self.job_servers * self.failures_per_day * self.job_length / DAY
        bad = self.bad_fraction * self.working_pool
        return at_work + bad * self.bad_factor / (self.bad_factor + 1) / (1 - self.repair_fails)

    def training_ratio(self, failures: float) -> float:
        """Closed form of the effective training ratio: nothing but reloading checkpoints costs time."""
        return self.job_length / (self.job_length + failures * self.recovery)


class Server:
    """A server; `place` is where it stands among the servers it is counted with."""

    __slots__ = ("bad", "place", "place_of_bad")

    def __init__(self, bad: bool) -> None:
        self.bad = bad
        self.place = self.place_of_bad = -1


class Active:
    """The servers at work: one at random, and one at random of the bad, in constant time."""

    def __init__(self) -> None:
        self.all: list[Server] = []
        self.bad: list[Server] = []

    def add(self, server: Server) -> None:
        server.place = len(self.all)
        self.all.append(server)
        if server.bad:
            server.place_of_bad = len(self.bad)
            self.bad.append(server)

    def remove(self, server: Server) -> None:
        last = self.all.pop()
        if last is not server:
            self.all[server.place], last.place = last, server.place
        if server.bad:
            last = self.bad.pop()
            if last is not server:
                self.bad[server.place_of_bad], last.place_of_bad = last, server.place_of_bad


class TrainingJob:
    """One run of the job. Attributes are counts, and milliseconds spent in each way."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.parameters = parameters
        self.clock = Clock()
        streams = Streams(seed)
        self._failures = streams.named("time-to-failure")
        self._who = streams.named("which-server-fails")
        self._hosts = streams.named("host-selection")
        self._repairs = streams.named("repair")
        self.random_failures = self.systematic_failures = 0
        self.auto_repairs = self.manual_repairs = self.failed_repairs = 0
        self.host_selections = self.preemptions = self.stalls = 0
        self.computing = self.recovering = self.selecting = self.waiting = 0
        self.total = 0

        servers = self._servers(streams.named("bad-servers"))
        # In the order in which servers joined: those that came back from repair stand behind.
        self._working = dict.fromkeys(servers[: parameters.working_pool])
        self._spares = deque(servers[parameters.working_pool :])
        self._active = Active()
        self._standbys: deque[Server] = deque()
        self._left = parameters.job_length
        self._stalled = False

    def _servers(self, source: Stream) -> list[Server]:
        p = self.parameters
        count = p.working_pool + p.spare_pool
        bad = int(count * p.bad_fraction)
        servers = []
        for left in range(count, 0, -1):  # which of them are bad: a sample without replacement
            servers.append(Server(source.random() * left < bad))
            bad -= servers[-1].bad
        return servers

    @property
    def failures(self) -> int:
        return self.random_failures + self.systematic_failures

    @property
    def ratio(self) -> float:
        """Effective training ratio: computing over all."""
        return self.computing / self.total

    def run(self) -> TrainingJob:
        self._select_hosts()
        self.clock.run()
        return self

    # -- the job ---------------------------------------------------------------------------------------------

    def _select_hosts(self) -> None:
        """Servers for the job and its standbys, those that have worked longest without failing first."""
        p = self.parameters
        if len(self._working) < p.job_servers:
            self._fill_up()
            return
        self.host_selections += 1
        chosen = list(islice(self._working, p.job_servers + p.warm_standbys))
        # Which of them stand by is left to chance.
        for place in range(len(chosen) - 1, p.job_servers - 1, -1):
            other = int(self._hosts.random() * (place + 1))
            chosen[place], chosen[other] = chosen[other], chosen[place]
        self._active = Active()
        for server in chosen[: p.job_servers]:
            self._active.add(server)
        self._standbys = deque(chosen[p.job_servers :])
        self.selecting += p.host_selection
        self.clock.after(p.host_selection, self._compute)

    def _fill_up(self) -> None:
        """Take servers from the spare pool, one after the other, until there are standbys too."""
        p = self.parameters
        if len(self._working) >= p.job_servers + p.warm_standbys:
            self._select_hosts()
        elif self._spares:
            self.waiting += p.preemption
            self.clock.after(p.preemption, self._preempted)
        else:
            self.stalls += 1
            self._stalled = True  # until a server comes back from repair

    def _preempted(self) -> None:
        self.preemptions += 1
        self._working[self._spares.popleft()] = None
        self._fill_up()

    def _compute(self) -> None:
        """Run until the first failure. The least of exponential times is exponential, its rate the sum of theirs."""
        p = self.parameters
        active = self._active
        systematic = p.bad_factor * len(active.bad)
        per_day = p.failures_per_day * (len(active.all) + systematic)
        until = round(-math.log1p(-self._failures.random()) / per_day * DAY)
        if until >= self._left:
            self.clock.after(self._left, self._done)
            return
        mark = self._who.random() * (len(active.all) + systematic)
        if mark < len(active.all):
            self.clock.after(until, self._fail, until, active.all[int(mark)], False)
        else:
            bad = active.bad[int((mark - len(active.all)) / p.bad_factor)]
            self.clock.after(until, self._fail, until, bad, True)

    def _done(self) -> None:
        self.computing += self._left
        self._left = 0
        self.total = self.clock.now

    def _fail(self, ran: int, server: Server, systematic: bool) -> None:
        self.computing += ran
        self._left -= ran
        if systematic:
            self.systematic_failures += 1
        else:
            self.random_failures += 1
        self._active.remove(server)
        del self._working[server]
        self._repair(server)
        self.recovering += self.parameters.recovery
        self.clock.after(self.parameters.recovery, self._recovered)

    def _recovered(self) -> None:
        if self._standbys:
            self._active.add(self._standbys.popleft())
            self._compute()
        else:
            self._select_hosts()

    # -- repairs ---------------------------------------------------------------------------------------------

    def _repair(self, server: Server) -> None:
        self.clock.after(self._lasts(self.parameters.auto_repair), self._auto_repaired, server)

    def _lasts(self, mean: int) -> int:
        return round(-mean * math.log1p(-self._repairs.random()))

    def _happens(self, chance: float) -> bool:
        return self._repairs.random() < chance

    def _auto_repaired(self, server: Server) -> None:
        p = self.parameters
        self.auto_repairs += 1
        if p.escalation == "any":
            escalated = self._happens(p.escalated)
            failed = not escalated and self._happens(p.auto_repair_fails)
        else:
            failed = self._happens(p.auto_repair_fails)
            escalated = failed and self._happens(p.escalated)
        if escalated:
            self.clock.after(self._lasts(p.manual_repair), self._manually_repaired, server)
        else:
            self._back(server, failed)

    def _manually_repaired(self, server: Server) -> None:
        self.manual_repairs += 1
        self._back(server, self._happens(self.parameters.manual_repair_fails))

    def _back(self, server: Server, failed: bool) -> None:
        """Nobody notices that a repair failed: the server is as bad as before."""
        self.failed_repairs += failed
        server.bad = server.bad and failed
        self._working[server] = None
        if len(self._standbys) < self.parameters.warm_standbys:
            self._standbys.append(server)
        if self._stalled:
            self._stalled = False
            self._fill_up()
