"""Runs on a cluster of Dask's: its scheduler gives chunks to workers wherever they are, and to others when one dies.

Nothing of Dask is imported before it is known that its scheduler's address answers.
"""

from __future__ import annotations

import concurrent.futures
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from kubeinfer_sim.errors import UnavailableError, UsageError
from kubeinfer_sim.experiment.batches import PER_BATCH
from kubeinfer_sim.experiment.dispatch import Workers
from kubeinfer_sim.experiment.worker import WorkerDied

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds that a scheduler has to answer, and to have a worker (again) when it has none.
PATIENCE, PATIENCE_FOR_WORKERS = 10.0, 30.0
#: Seconds between two looks at which workers there are.
PERIOD = 1.0
RIGHT = "as in tcp://10.0.0.1:8786, which `dask scheduler` prints"


@contextmanager
def dask_workers(address: str, run_timeout: float | None = None) -> Iterator[Workers]:
    """The workers of a Dask scheduler, connected to while the context lasts: for `replicate` and `compare`.

    Args:
        address: of the scheduler, `tcp://HOST:PORT`.
        run_timeout: seconds after which a run is given up; None: never.

    Raises:
        UsageError: the address is none, the extra `dask` is not installed, or workers lack what they are to play.
        UnavailableError: nobody answers there, or there are no workers (also later on).
    """
    place = _place(address)
    if find_spec("distributed") is None:
        raise UsageError(
            "--engine dask needs the package distributed: pip install 'kubeinfer-sim[dask]', here and for every worker"
        )
    _knock(address, *place)
    with _connected(address) as client:
        cluster = _Cluster(client, address)
        try:
            yield Workers(
                None, run_timeout, executor=cluster.executor, present=cluster.present, per_batch=PER_BATCH
            )
        finally:
            cluster.stop()


def _place(address: str) -> tuple[str, int]:
    """Host and port."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(
            f"--scheduler {address}: {error}; expected the scheduler's address, {RIGHT}"
        ) from None
    if parts.scheme != "tcp" or not host or not port or parts.path not in ("", "/"):
        raise UsageError(f"--scheduler {address}: expected the scheduler's address, {RIGHT}")
    return host, port


def _knock(address: str, host: str, port: int) -> None:
    """Dask itself would go on trying where nobody is."""
    try:
        socket.create_connection((host, port), PATIENCE).close()
    except OSError as error:
        raise UnavailableError(
            f"no Dask scheduler at {address}: {error.strerror or error}; `dask scheduler` starts one, "
            "and prints its address"
        ) from None


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    # Most of its functions have no types.
    distributed: Any = import_module("distributed")
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("distributed"):  # what matters is told by errors of ours
            logging.getLogger(name).setLevel(logging.CRITICAL)
    made: list[Any] = []

    def connect() -> None:
        with suppress(OSError, ValueError, RuntimeError):
            made.append(distributed.Client(address, timeout=PATIENCE, set_as_default=False))

    # In a thread, since its own time limit is not one on who accepts and says nothing.
    connecting = threading.Thread(target=connect, daemon=True)
    connecting.start()
    connecting.join(PATIENCE)
    if not made:
        raise UnavailableError(
            f"what is at {address} does not answer as a Dask scheduler of version {distributed.__version__} does"
        )
    (client,) = made
    try:
        yield client
    finally:
        client.close(timeout=PATIENCE)


class _Cluster:
    """Which workers there are, and what is to be done when there are none any more."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._executors: list[_DaskExecutor] = []
        self._stopped = threading.Event()
        self._workers = self._look()
        begun = time.monotonic()
        while not self._workers:
            if time.monotonic() - begun > PATIENCE_FOR_WORKERS:
                raise UnavailableError(self._alone())
            time.sleep(PERIOD / 10)
            self._workers = self._look()
        threading.Thread(target=self._watch, daemon=True).start()

    def present(self) -> int:
        """How many worker processes there are."""
        return self._workers

    def executor(self, workers: int) -> Executor:
        """Their executor, however many they are."""
        self._executors.append(_DaskExecutor(self._client, self._address))
        return self._executors[-1]

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _look(self) -> int:
        return len(self._client.nthreads())

    def _alone(self) -> str:
        return (
            f"the Dask scheduler at {self._address} has had no workers for {PATIENCE_FOR_WORKERS:.0f} s; "
            f"`dask worker {self._address} --nthreads 1` starts one"
        )

    def _watch(self) -> None:
        """End what waits for workers when there have been none for long."""
        seen = time.monotonic()
        while not self._stopped.wait(PERIOD):
            try:
                self._workers = self._look()
            except Exception:  # it is gone, and its futures with it
                self._workers = 0
            now = time.monotonic()
            if self._workers:
                seen = now
            elif now - seen > PATIENCE_FOR_WORKERS:
                for each in self._executors:
                    each.give_up(UnavailableError(self._alone()))


class _DaskExecutor(Executor):
    """Has chunks played by a cluster, and tells what goes wrong as dispatch knows it.

    Not `Client.get_executor`: when a worker dies whose result was just fetched, that takes the result for an error.
    """

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._waiting: dict[Future[Any], Any] = {}

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have a worker call it.

        Its result may be a WorkerDied or an UnavailableError beside what it raises.
        """
        told: Future[R] = Future()
        try:
            self._waiting[told] = task = self._client.submit(fn, *args, pure=False, **kwargs)
            task.add_done_callback(lambda done: self._tell(told, done))
        except Exception:  # Dask has no class of its own for this
            told.set_exception(self._lost())
        return told

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Have nothing more done; what a worker has begun it ends."""
        if wait and not cancel_futures:
            concurrent.futures.wait(list(self._waiting))
        tasks = list(self._waiting.values())
        self._waiting.clear()
        if tasks:
            self._client.cancel(tasks)

    def give_up(self, error: Exception) -> None:
        """Whatever is waited for comes to this end."""
        for each in list(self._waiting):
            self._settle(each, error=error)

    def _tell(self, told: Future[R], done: Any) -> None:
        from distributed import KilledWorker

        try:
            self._settle(told, done.result())
        except KilledWorker:
            self._settle(told, error=WorkerDied("its worker process died, and so did those that got it next"))
        except CancelledError:
            self._settle(told, error=self._lost())
        except ImportError as error:
            missing = f"a worker of {self._address} cannot import what it is to play ({error})"
            self._settle(told, error=UsageError(f"{missing}: install the same kubeinfer-sim there"))
        except OSError as error:
            self._settle(told, error=self._lost(f" ({error})"))
        except Exception as error:
            self._settle(told, error=error)

    def _lost(self, why: str = "") -> UnavailableError:
        return UnavailableError(f"the Dask scheduler at {self._address} does not answer any more{why}")

    def _settle(self, told: Future[R], result: Any = None, error: Exception | None = None) -> None:
        try:
            del self._waiting[told]
        except KeyError:  # given up, or nobody waits any more
            return
        if not told.set_running_or_notify_cancel():
            return
        if error is None:
            told.set_result(result)
        else:
            told.set_exception(error)
