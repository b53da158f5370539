"""The job orders of a PLC as values: what they are, what they can be told, what they have made.

States and commands are those of OPC 10031-4 (ISA-95 job control): an order is stored, is allowed
to start, runs, may be interrupted, and ends or is aborted. One runs at a time; the next is the one
of the highest priority, then the one that came first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType

__all__ = [
    "COMMANDS",
    "MOST_ORDERS",
    "Book",
    "Command",
    "Job",
    "JobRefused",
    "JobState",
    "Order",
    "Return",
    "commanded",
    "counted",
    "stored",
    "updated",
]

MOST_ORDERS = 100
"""Orders that a PLC keeps at once, ended ones included."""


class JobState(IntEnum):
    """State of a job order, numbered as ISA95JobOrderReceiverObjectType does."""

    NOT_ALLOWED_TO_START = 1
    ALLOWED_TO_START = 2
    RUNNING = 3
    INTERRUPTED = 4
    ENDED = 5
    ABORTED = 6

    @property
    def shown(self) -> str:
        """Its name in the standard.

        >>> JobState.ALLOWED_TO_START.shown
        'AllowedToStart'
        """
        return "".join(word.title() for word in self.name.split("_"))


class Return(IntEnum):
    """What a method of job control says of itself: bits of its ReturnStatus (OPC 10031-4, B.2)."""

    NO_ERROR = 1 << 0
    UNKNOWN_ORDER = 1 << 1
    INVALID_STATUS = 1 << 3
    UNABLE_TO_ACCEPT = 1 << 4
    INVALID_REQUEST = 1 << 32


class JobRefused(Exception):
    """An order can't be had or told so; `code` says why."""

    def __init__(self, code: Return) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants made.

    Args:
        id: its own.
        body: all of it, as it came: an ISA95JobOrderDataType in OPC UA binary.
        quantity: good parts wanted, at least 1; None: it runs until somebody ends it.
        start_us: not to be started before, microseconds since 1970-01-01 UTC; None: at once.
        priority: the higher the sooner.
    """

    id: str
    body: bytes = b""
    quantity: int | None = None
    start_us: int | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """An order, and what has become of it.

    Args:
        order: what is wanted.
        state: where it stands.
        produced, scrapped: good parts and scrap counted to it.
        started_us, ended_us: when, microseconds since 1970-01-01 UTC; None: not yet.
    """

    order: Order
    state: JobState
    produced: int = 0
    scrapped: int = 0
    started_us: int | None = None
    ended_us: int | None = None

    @property
    def is_current(self) -> bool:
        """Whether parts are counted to it."""
        return self.state in (JobState.RUNNING, JobState.INTERRUPTED)

    @property
    def lacks(self) -> int | None:
        """Good parts still to be made; None: without end."""
        return None if self.order.quantity is None else self.order.quantity - self.produced


@dataclass(frozen=True, slots=True)
class Command:
    """What an order can be told: the states in which it takes it, and the one it goes to.

    Args:
        of: the states.
        to: the state; None: the order is taken off the list.
    """

    of: frozenset[JobState]
    to: JobState | None


_WAITING = frozenset({JobState.NOT_ALLOWED_TO_START, JobState.ALLOWED_TO_START})
_BEGUN = frozenset({JobState.RUNNING, JobState.INTERRUPTED})
_OVER = frozenset({JobState.ENDED, JobState.ABORTED})
COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "Start": Command(frozenset({JobState.NOT_ALLOWED_TO_START}), JobState.ALLOWED_TO_START),
        "RevokeStart": Command(
            frozenset({JobState.ALLOWED_TO_START}), JobState.NOT_ALLOWED_TO_START
        ),
        "Pause": Command(frozenset({JobState.RUNNING}), JobState.INTERRUPTED),
        "Resume": Command(frozenset({JobState.INTERRUPTED}), JobState.RUNNING),
        "Stop": Command(_BEGUN, JobState.ENDED),
        "Abort": Command(_WAITING | _BEGUN, JobState.ABORTED),
        "Cancel": Command(_WAITING, None),
        "Clear": Command(_OVER, None),
    }
)
"""What an order can be told by its id, named as the standard's methods."""


@dataclass(frozen=True, slots=True)
class Book:
    """All orders of a PLC, in the order in which they came.

    >>> book = stored(Book(), Order("J1", quantity=3), allowed=True)
    >>> book = counted(book, 0, 0, 1_000_000)
    >>> [(job.order.id, job.state.shown) for job in book.jobs]
    [('J1', 'Running')]
    >>> book = counted(book, 5, 1, 2_000_000)
    >>> [(job.produced, job.scrapped, job.state.shown) for job in book.jobs]
    [(3, 1, 'Ended')]
    """

    jobs: tuple[Job, ...] = ()

    def job(self, order_id: str) -> Job:
        """Find an order.

        Raises:
            JobRefused: there is none of that id.
        """
        for job in self.jobs:
            if job.order.id == order_id:
                return job
        raise JobRefused(Return.UNKNOWN_ORDER)

    @property
    def current(self) -> Job | None:
        """The one that parts are counted to."""
        return next((job for job in self.jobs if job.is_current), None)

    def replaced(self, old: Job, new: Job | None) -> Book:
        """Put one in another's place; None: take it off."""
        kept = (new if job is old else job for job in self.jobs)
        return Book(tuple(job for job in kept if job is not None))


def stored(book: Book, order: Order, *, allowed: bool) -> Book:
    """Take an order.

    Args:
        book: the orders so far.
        order: the new one.
        allowed: whether it may start by itself.

    Raises:
        JobRefused: it has no id, the id is known already, or there is no room.
    """
    if not order.id:
        raise JobRefused(Return.INVALID_REQUEST)
    if len(book.jobs) >= MOST_ORDERS or any(job.order.id == order.id for job in book.jobs):
        raise JobRefused(Return.UNABLE_TO_ACCEPT)
    state = JobState.ALLOWED_TO_START if allowed else JobState.NOT_ALLOWED_TO_START
    return Book((*book.jobs, Job(order, state)))


def updated(book: Book, order: Order) -> Book:
    """Change an order that has not begun.

    Raises:
        JobRefused: there is none of its id, or it has begun.
    """
    job = book.job(order.id)
    if job.state not in _WAITING:
        raise JobRefused(Return.INVALID_STATUS)
    return book.replaced(job, replace(job, order=order))


def commanded(book: Book, order_id: str, name: str, at_us: int) -> Book:
    """Tell an order something.

    Args:
        book: the orders.
        order_id: which.
        name: one of `COMMANDS`.
        at_us: now, microseconds since 1970-01-01 UTC.

    Raises:
        JobRefused: there is none of that id, or its state does not allow it.
    """
    job, command = book.job(order_id), COMMANDS[name]
    if job.state not in command.of:
        raise JobRefused(Return.INVALID_STATUS)
    if command.to is None:
        return book.replaced(job, None)
    ended = at_us if command.to in _OVER else None
    return book.replaced(job, replace(job, state=command.to, ended_us=ended))


def counted(book: Book, produced: int, scrapped: int, at_us: int) -> Book:
    """Count what was made since the last time, and let the next order begin where one has ended.

    No part is counted twice: what an order does not need is the next one's. Scrap is the order's
    that was running.

    Args:
        book: the orders.
        produced, scrapped: good parts and scrap since the last time, not negative.
        at_us: now, microseconds since 1970-01-01 UTC.
    """
    if book.current is None:
        # What was made before an order began is nobody's.
        produced = scrapped = 0
    while True:
        job = book.current
        if job is not None:
            lacks = job.lacks
            takes = produced if lacks is None else min(produced, max(lacks, 0))
            grown = replace(job, produced=job.produced + takes, scrapped=job.scrapped + scrapped)
            produced, scrapped = produced - takes, 0
            if grown.lacks is not None and grown.lacks <= 0:
                grown = replace(grown, state=JobState.ENDED, ended_us=at_us)
            book = book if grown == job else book.replaced(job, grown)
            if grown.is_current:
                return book
        following = _next(book, at_us)
        if following is None:
            return book
        begun = replace(following, state=JobState.RUNNING, started_us=at_us)
        book = book.replaced(following, begun)


def _next(book: Book, at_us: int) -> Job | None:
    """Find the order that begins when none is current."""
    ready = [
        job
        for job in book.jobs
        if job.state is JobState.ALLOWED_TO_START
        and (job.order.start_us is None or job.order.start_us <= at_us)
    ]
    return max(ready, key=lambda job: job.order.priority, default=None)
