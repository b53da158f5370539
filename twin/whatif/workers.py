"""Who runs replications: threads, processes, or a Dask cluster. The answer is always the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from twin.engine.kernel import kernel_library
from twin.engine.simulation import EngineName
from twin.errors import EngineError, NotConnected

__all__ = ["Workers", "open_workers"]

DEATHS = 5
"""So often workers may die before a job is given up: then it is the job that kills them."""
CONNECT_S = 10
FEW, MANY = 4, 1_000_000

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Workers:
    """Who runs replications.

    Args:
        name: in words, for an answer's provenance.
        size: how many work at the same time.
        tasks_each: into so many tasks a worker's share of a job is best cut: few where a task
            costs something to hand over, many where it costs nothing, as Ctrl-C waits for one.
        executor: gives what takes tasks; asked again when the last one has broken.
        fatal: what a task raises when its worker has died, beside `BrokenExecutor`.
    """

    name: str
    size: int
    tasks_each: int
    executor: Callable[[], Executor]
    fatal: tuple[type[Exception], ...] = ()

    def results(
        self, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Result]]:
        """Call a function with the arguments of each task.

        Yields:
            A task's number and its result, in the order in which they come. What a worker had in
            hand when it died is done again by another.

        Raises:
            EngineError: worker after worker died.
            NotConnected: the cluster has gone.
        """
        left = dict(enumerate(tasks))
        deaths = 0
        while left:
            executor = self.executor()
            futures = {executor.submit(function, *task): number for number, task in left.items()}
            try:
                for future in as_completed(futures):
                    number = futures[future]
                    result = future.result()
                    del left[number]
                    yield number, result
            except (BrokenExecutor, *self.fatal):  # type: ignore[misc] # mypy can't see through *
                deaths += 1
                if deaths >= DEATHS:
                    raise EngineError(f"{deaths} times a worker died; no more are tried") from None
            except CancelledError:
                raise NotConnected(f"{self.name} has gone") from None
            finally:
                for future in futures:
                    future.cancel()


@contextmanager
def open_workers(
    jobs: int | None = None, cluster: str | None = None, engine: EngineName = "auto"
) -> Iterator[Workers]:
    """Find someone to run replications.

    The compiled engine runs in threads of this process, which are as good as processes since it
    lets go of Python's lock; SimPy runs in processes.

    Args:
        jobs: how many at the same time; None: one a processor.
        cluster: address of a Dask scheduler, as `tcp://10.0.0.5:8786`; None: this machine.
        engine: which engine will run.

    Raises:
        EngineError: Dask is not installed.
        NotConnected: no scheduler answers at that address.
    """
    if cluster is not None:
        with _dask(cluster) as workers:
            yield workers
        return
    jobs = jobs or os.cpu_count() or 1
    compiled = engine != "simpy" and kernel_library() is not None
    if compiled or jobs == 1:
        threads = ThreadPoolExecutor(jobs)
        try:
            name = f"{jobs} threads" if jobs > 1 else "one thread"
            yield Workers(name, jobs, MANY, lambda: threads)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
        return
    # Here, as importing it takes time that only SimPy's users should pay.
    from loky import get_reusable_executor  # noqa: PLC0415

    yield Workers(f"{jobs} processes", jobs, FEW, lambda: get_reusable_executor(max_workers=jobs))
    get_reusable_executor(max_workers=jobs).shutdown(wait=True)


@contextmanager
def _dask(address: str) -> Iterator[Workers]:
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415
    except ImportError:
        remedy = "pip install 'linetwin[cluster]'"
        raise EngineError(f"--cluster needs Dask, which is not installed: {remedy}") from None
    try:
        client: Any = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise NotConnected(f"no Dask scheduler at {address}: {error}") from None
    with client:
        size = sum(client.nthreads().values())
        if not size:
            raise NotConnected(f"the Dask scheduler at {address} has no workers")
        name = f"{size} threads of the Dask cluster {address}"
        yield Workers(name, size, FEW, client.get_executor, (KilledWorker,))
