"""Where is the work done: in this process, on more cores of this machine, or on a Dask cluster?

What is not done here goes to an executor of ``concurrent.futures``; what is sent and what comes back are
plain values.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pcsim.errors import InputError, PcsimError, Problem

Result = TypeVar("Result")

IN_FLIGHT = 3
"""Tasks given out per process, so that none waits for its next."""

IN_FLIGHT_FAR = 4
"""The same on a cluster, to which the way is longer."""

IDLE_S = 60
"""After so many seconds without work a process ends."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""A worker has a core to itself; threads of BLAS beside it would only start and wait."""

KEPT = "all results that came before are kept, and the same command goes on from there"


@dataclass(frozen=True)
class Workers:
    """An executor, if there is one, and how many tasks it should have at a time.

    ``here``: this process works, too; else all work is done on a cluster.
    """

    executor: Executor | None
    at_a_time: int
    here: bool = True


@contextmanager
def workers(jobs: int, cluster: str | None) -> Iterator[Workers]:
    """``jobs`` processes of this machine, of which this is one, or all workers of the Dask scheduler at
    ``cluster``.

    Raises:
        InputError: there is no such cluster, or no dask.
    """
    if cluster is not None:
        with _cluster(cluster) as found:
            yield found
        return
    if jobs == 1:
        yield Workers(None, 0)
    else:
        yield Workers(_pool(jobs - 1), IN_FLIGHT * (jobs - 1))


@contextmanager
def started(jobs: int) -> Iterator[None]:
    """Start the processes that `workers` will take, so that they import while this one loads; if that fails,
    they end at once."""
    executor = None
    if jobs > 1:
        executor = _pool(jobs - 1)
        for _ in range(jobs - 1):
            executor.submit(_import)
    try:
        yield
    except BaseException:
        if executor is not None:
            executor.shutdown(wait=False, kill_workers=True)
        raise


class WorkerError(PcsimError):
    """A worker ended in the middle of its work, or the cluster was lost."""


def outcome(future: Future[Result], found: Workers) -> Result:
    """What a worker gave back.

    Raises:
        WorkerError: there is no worker any more.
    """
    try:
        return future.result()
    except BrokenExecutor:
        raise killed() from None
    except PcsimError:
        raise
    except Exception as error:
        if found.here:
            raise
        raise WorkerError(f"the cluster could not do its work ({error}); {KEPT}") from None


def killed() -> WorkerError:
    """The error for a pool of which a process is gone."""
    return WorkerError(
        f"a worker process was killed, perhaps for want of memory; {KEPT}, with fewer processes by --jobs"
    )


def _pool(jobs: int) -> Any:
    """So many processes beside this one. They stay for a while, for the next sweep of this process; loky's import
    no ``__main__``, so that a script needs no guard."""
    from loky import get_reusable_executor

    return get_reusable_executor(
        jobs, timeout=IDLE_S, initializer=_begin, initargs=(os.getpid(),), env=ONE_THREAD
    )


def _begin(parent: int) -> None:
    """Leave interruptions to the parent, and end when it ends, however that happens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    atexit.register(os._exit, 0)  # Nothing is left to do; tidying up would be waited for.


def _import() -> None:
    import pcsim.sweeps.evaluate  # noqa: F401

    gc.freeze()  # What is imported stays; looking for garbage in it takes longer than a small point.


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


@contextmanager
def _cluster(address: str) -> Iterator[Workers]:
    try:
        from distributed import Client
    except ImportError:
        said = "--cluster must be left out where dask is not installed"
        raise InputError((Problem(said, hint="pip install 'pcsim[cluster]'"),)) from None
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        said = f"--cluster must be the address of a Dask scheduler, not {address!r}"
        raise InputError((Problem(said, hint=f"such as tcp://127.0.0.1:8786; {reason}"),)) from None
    try:
        threads = sum(client.nthreads().values())
        executor = client.get_executor(pure=False)
        yield Workers(executor, max(16, IN_FLIGHT_FAR * threads), here=False)
    finally:
        client.close()
