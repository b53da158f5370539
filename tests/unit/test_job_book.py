"""Job orders as values: the table of OPC 10031-4, and the counting of what was made."""

from __future__ import annotations

import pytest

from opcua.jobs.book import (
    COMMANDS,
    MOST_ORDERS,
    Book,
    Job,
    JobRefused,
    JobState,
    Order,
    Return,
    commanded,
    counted,
    stored,
    updated,
)

WAITS, ALLOWED = JobState.NOT_ALLOWED_TO_START, JobState.ALLOWED_TO_START
RUNS, PAUSED, ENDED, ABORTED = (
    JobState.RUNNING, JobState.INTERRUPTED, JobState.ENDED, JobState.ABORTED,
)  # fmt: skip
TABLE = {
    "Start": {WAITS: ALLOWED},
    "RevokeStart": {ALLOWED: WAITS},
    "Pause": {RUNS: PAUSED},
    "Resume": {PAUSED: RUNS},
    "Stop": {RUNS: ENDED, PAUSED: ENDED},
    "Abort": {WAITS: ABORTED, ALLOWED: ABORTED, RUNS: ABORTED, PAUSED: ABORTED},
    "Cancel": {WAITS: None, ALLOWED: None},
    "Clear": {ENDED: None, ABORTED: None},
}


def states(book: Book) -> dict[str, JobState]:
    return {job.order.id: job.state for job in book.jobs}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("state", JobState)
def test_the_whole_table_state_by_command(name: str, state: JobState) -> None:
    book = Book((Job(Order("J"), state),))
    if state not in TABLE[name]:
        with pytest.raises(JobRefused) as refused:
            commanded(book, "J", name, 5)
        assert refused.value.code is Return.INVALID_STATUS
        return
    after, wanted = commanded(book, "J", name, 5), TABLE[name][state]
    assert states(after) == ({} if wanted is None else {"J": wanted})
    if wanted in (ENDED, ABORTED):
        assert after.jobs[0].ended_us == 5


def test_an_order_must_have_an_id_of_its_own_and_room() -> None:
    book = stored(Book(), Order("J"), allowed=False)
    for order, code in ((Order(""), Return.INVALID_REQUEST), (Order("J"), Return.UNABLE_TO_ACCEPT)):
        with pytest.raises(JobRefused) as refused:
            stored(book, order, allowed=True)
        assert refused.value.code is code
    for number in range(1, MOST_ORDERS):
        book = stored(book, Order(f"J{number}"), allowed=False)
    with pytest.raises(JobRefused):
        stored(book, Order("one too many"), allowed=False)
    with pytest.raises(JobRefused) as refused:
        commanded(book, "unknown", "Start", 0)
    assert refused.value.code is Return.UNKNOWN_ORDER


def test_an_order_is_changed_until_it_begins() -> None:
    book = updated(stored(Book(), Order("J", quantity=3), allowed=True), Order("J", quantity=4))
    assert book.jobs[0].order.quantity == 4
    with pytest.raises(JobRefused) as refused:
        updated(counted(book, 0, 0, 1), Order("J", quantity=5))
    assert refused.value.code is Return.INVALID_STATUS


def test_every_part_is_counted_once_and_the_next_order_takes_over_in_the_same_scan() -> None:
    book = Book()
    for name, quantity, priority in (("low", 4, 0), ("first", 3, 5), ("second", 5, 5)):
        book = stored(book, Order(name, quantity=quantity, priority=priority), allowed=True)
    # What was made before any order began is nobody's.
    book = counted(book, 7, 1, 10)
    assert states(book) == {"low": ALLOWED, "first": RUNS, "second": ALLOWED}
    book = counted(book, 10, 2, 20)
    assert [(j.order.id, j.produced, j.scrapped, j.started_us, j.ended_us) for j in book.jobs] == [
        ("low", 2, 0, 20, None), ("first", 3, 2, 10, 20), ("second", 5, 0, 20, 20),
    ]  # fmt: skip
    assert states(book) == {"low": RUNS, "first": ENDED, "second": ENDED}


def test_an_order_waits_for_its_time_and_is_counted_to_while_it_is_interrupted() -> None:
    book = stored(Book(), Order("J", quantity=9, start_us=100), allowed=True)
    assert states(counted(book, 0, 0, 99)) == {"J": ALLOWED}
    book = commanded(counted(book, 0, 0, 100), "J", "Pause", 101)
    book = counted(book, 2, 0, 102)
    assert (book.jobs[0].state, book.jobs[0].produced) == (PAUSED, 2)


def test_an_order_without_a_quantity_runs_until_it_is_stopped() -> None:
    book = counted(counted(stored(Book(), Order("J"), allowed=True), 0, 0, 1), 1_000, 0, 2)
    assert book.jobs[0].state is RUNS
    assert counted(book, 0, 0, 3) is book
    assert states(commanded(book, "J", "Stop", 3)) == {"J": ENDED}
