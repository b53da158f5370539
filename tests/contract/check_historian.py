"""What every historian must do, as functions for whoever implements the port.

A test of a new store is one line for each check, or one for all of them:

    @pytest.mark.parametrize("check", CHECKS)
    def test_keeps_the_contract(check, tmp_path):
        names = (tmp_path / str(n) for n in count())
        check(lambda: MyHistorian(next(names)))

A check takes `new_store`, which opens a store that is empty and that no other call has returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from twin.errors import LinetwinError
from twin.historian.port import (
    AT_US_MAX,
    AT_US_MIN,
    Historian,
    History,
    Point,
    Quality,
    Query,
    Series,
    WriteReport,
)

__all__ = ["CHECKS", "check_against_a_dict", "check_historian"]

NewStore: TypeAlias = Callable[[], Historian]

NOW = 1_700_000_000_000_000
POWER = Series("LDES1", "STK03", "power_kw")
STATE = Series("LDES1", "STK03", "state_current")
LEVEL = Series("LDES1", "STK-out", "level")

# Names that break whoever pastes them into a query or a line of text without care.
ODD = (
    Series("LDES1", "", "energy_kwh"),
    Series("LDES1", 'O\'Brien "quoted"', "a,b=c d"),
    Series("LDES1", "100 % #1; DROP TABLE point", "$1 ? {x}"),
    Series("储能一线", "电堆装配", "状态"),
    Series("Üfür 🏭", "Straße", "λ"),
    Series("ldes1", "stk03", "POWER_KW"),
)


def rows(history: History) -> list[tuple[Series, int, float, int]]:
    """Return a history as plain rows, after checking that its columns are what the port says."""
    columns = (history.series_index, history.at_us, history.value, history.quality)
    assert [type(column) for column in columns] == [np.ndarray] * 4
    assert [column.dtype for column in columns] == [np.int64, np.int64, np.float64, np.uint8]
    assert [column.shape for column in columns] == [(len(history),)] * 4
    assert list(history.series) == sorted(set(history.series)), "series are sorted and distinct"
    assert sorted(set(history.series_index.tolist())) == list(range(len(history.series)))
    found = [
        (history.series[index], at_us, value, quality)
        for index, at_us, value, quality in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]
    assert [row[:2] for row in found] == sorted(row[:2] for row in found), "by series, then time"
    return found


def expected(*points: Point) -> list[tuple[Series, int, float, int]]:
    """Return what `rows` gives for these points."""
    return sorted((p.series, p.at_us, float(p.value), int(p.quality)) for p in points)


def check_report(
    store: Historian, report: WriteReport, new: int, known: int = 0, in_batch: int = 0
) -> None:
    """Compare a report with what a batch held.

    Args:
        store: who made it.
        new: points that were not there.
        known: points that were, also earlier in the same batch.
        in_batch: of those that are known, the ones whose identity came earlier in the batch.
    """
    if store.overwrites:
        new, known = new + known - in_batch, in_batch
    assert (report.written, report.known) == (new, known)


def check_empty(new_store: NewStore) -> None:
    """A new store gives nothing, in the right types; an empty batch is no error."""
    with closing(new_store()) as store:
        assert rows(store.read(Query())) == []
        assert rows(store.last(Query(line="LDES1"))) == []
        assert store.write([]) == WriteReport(0, 0)
        store.write([Point(POWER, NOW, 1.0)])
        assert rows(store.read(Query(line="no such line"))) == []
        assert rows(store.read(Query(unit="STK03", signal="level"))) == []
        assert rows(store.read(Query(from_us=NOW + 1))) == []
        assert rows(store.last(Query(to_us=NOW))) == []


def check_order(new_store: NewStore) -> None:
    """Points come back by series and time, also those that came late, in one batch or another."""
    points = [
        Point(series, NOW + second * 1_000_000, second + 0.5, quality)
        for second in range(6)
        for series, quality in (
            (STATE, Quality.GOOD),
            (LEVEL, Quality.BAD),
            (POWER, Quality.UNCERTAIN),
        )
    ]
    with closing(new_store()) as store:
        late = points[7:11]
        check_report(store, store.write(points[11:]), len(points) - 11)
        check_report(store, store.write(points[6::-1]), 7)
        check_report(store, store.write(late), 4)
        assert rows(store.read(Query())) == expected(*points)


def check_values(new_store: NewStore) -> None:
    """Every finite value comes back as it was, to the last bit."""
    values = [0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, 1e22, -273.15]
    points = [Point(POWER, NOW + n, value) for n, value in enumerate(values)]
    with closing(new_store()) as store:
        store.write(points)
        assert store.read(Query()).value.tobytes() == np.array(values).tobytes()
        store.write([Point(STATE, NOW, 6), Point(LEVEL, NOW, True)])
        assert store.read(Query(signal="state_current")).value.tolist() == [6.0]
        assert store.read(Query(signal="level")).value.tolist() == [1.0]


def check_retry(new_store: NewStore) -> None:
    """Writing again changes nothing, however much of a batch was there already."""
    batch = [Point(POWER, NOW + n, n, Quality(n % 3)) for n in range(5)]
    with closing(new_store()) as store:
        check_report(store, store.write(batch[:3]), 3)
        check_report(store, store.write(batch), 2, 3)
        check_report(store, store.write(batch), 0, 5)
        overlapping = [*batch[3:], Point(POWER, NOW + 5, 5), Point(STATE, NOW, 6)]
        check_report(store, store.write(overlapping), 2, 2)
        assert rows(store.read(Query())) == expected(*batch, *overlapping[2:])


def check_conflict(new_store: NewStore) -> None:
    """Of two points of one identity one stays, value and quality: which, the store says."""
    batch = [Point(POWER, NOW + n, n, Quality(n % 3)) for n in range(5)]
    changed = [Point(POWER, p.at_us, p.value + 100, Quality((p.quality + 1) % 3)) for p in batch]
    with closing(new_store()) as store:
        store.write(batch)
        check_report(store, store.write(changed), 0, 5)
        stays = changed if store.overwrites else batch
        assert rows(store.read(Query())) == expected(*stays)
        assert rows(store.last(Query())) == expected(stays[-1])


def check_duplicates_in_a_batch(new_store: NewStore) -> None:
    """Of one identity twice in a batch the first one stays, also across refused ones."""
    batch = [
        Point(POWER, NOW, float("nan")),
        Point(POWER, NOW, 1.0),
        Point(POWER, NOW, 2.0),
        Point(STATE, NOW, 3.0),
        Point(POWER, NOW, 4.0),
    ]
    with closing(new_store()) as store:
        report = store.write(batch)
        check_report(store, report, 2, 2, in_batch=2)
        assert len(report.refused) == 1
        assert rows(store.read(Query())) == expected(batch[1], batch[3])


def check_refused(new_store: NewStore) -> None:
    """What no store can take is set aside with a reason, in order; its neighbours are stored."""
    bad = [
        Point(POWER, NOW + 1, float("nan")),
        Point(POWER, NOW + 3, float("inf")),
        Point(POWER, NOW + 5, float("-inf")),
        Point(POWER, NOW + 7, 10**400),
        Point(POWER, AT_US_MAX + 1, 1.0),
        Point(POWER, AT_US_MIN - 1, 1.0),
        Point(POWER, 2**70, 1.0),
        Point(Series("LDES1", "bad \udcff bytes", "power_kw"), NOW, 1.0),
    ]
    good = [Point(POWER, NOW + 2 * n, n) for n in range(len(bad) + 1)]
    mixed = [point for pair in zip(good, bad, strict=False) for point in pair] + good[-1:]
    with closing(new_store()) as store:
        report = store.write(mixed)
        check_report(store, report, len(good))
        assert [refused.point for refused in report.refused] == bad
        assert all(refused.reason for refused in report.refused)
        again = store.write(mixed)
        check_report(store, again, 0, len(good))
        assert len(again.refused) == len(bad)
        assert store.write(bad[:1]).written == 0
        assert rows(store.read(Query())) == expected(*good)


def check_intervals(new_store: NewStore) -> None:
    """An interval holds its beginning and not its end."""
    points = [Point(series, NOW + n, n) for n in range(5) for series in (POWER, STATE)]
    with closing(new_store()) as store:
        store.write(points)

        def instants(from_us: int | None, to_us: int | None) -> list[int]:
            query = Query(signal="power_kw", from_us=from_us, to_us=to_us)
            return [at_us - NOW for _, at_us, _, _ in rows(store.read(query))]

        assert instants(NOW + 1, NOW + 3) == [1, 2]
        assert instants(NOW + 3, None) == [3, 4]
        assert instants(None, NOW + 2) == [0, 1]
        assert instants(NOW + 2, NOW + 2) == []
        assert instants(NOW + 3, NOW + 1) == []
        assert instants(-(2**63), 2**63 - 1) == [0, 1, 2, 3, 4]
        assert instants(-(10**40), 10**40) == [0, 1, 2, 3, 4]
        assert instants(10**40, None) == instants(None, -(10**40)) == []


def check_filters(new_store: NewStore) -> None:
    """Line, unit and signal each narrow a query, by exact names."""
    units = [Series(line, unit, "level") for line in ("A", "B") for unit in ("u", "v", "")]
    with closing(new_store()) as store:
        store.write([Point(series, NOW, 1) for series in units])
        assert store.read(Query()).series == tuple(sorted(units))
        assert store.read(Query(line="A")).series == tuple(sorted(units[:3]))
        assert store.read(Query(unit="")).series == (units[2], units[5])
        assert store.read(Query(line="B", unit="v", signal="level")).series == (units[4],)
        for name in ("", "%", "a", "A "):
            assert rows(store.read(Query(line=name))) == []
        for several, found in (
            (Query(line="A", unit=("v", "u", "w")), units[:2]),
            (Query(unit=("", "v"), signal=("level", "power_kw")), units[1:3] + units[4:]),
            (Query(unit=("u",), signal=("power_kw", "state_current")), []),
            (Query(unit=()), []),
            (Query(signal=()), []),
        ):
            assert store.read(several).series == tuple(sorted(found))
            assert store.last(several).series == tuple(sorted(found))
            assert store.sampled(several, 60).series == tuple(sorted(found))


def check_limit(new_store: NewStore) -> None:
    """A limit keeps the earliest in time, and of one instant the first series."""
    points = [Point(series, NOW + n, n) for n in range(4) for series in (POWER, LEVEL, STATE)]
    with closing(new_store()) as store:
        store.write(points)
        earliest = sorted(points, key=lambda point: (point.at_us, point.series))
        for limit in (0, 1, 2, 3, 5, 12, 13, 10**6):
            assert rows(store.read(Query(limit=limit))) == expected(*earliest[:limit])
        found = store.read(Query(signal="level", from_us=NOW + 1, limit=2))
        assert found.at_us.tolist() == [NOW + 1, NOW + 2]
        with pytest.raises(LinetwinError, match="limit: must be 0 or more, got -1"):
            Query(limit=-1)


def check_last(new_store: NewStore) -> None:
    """The newest point of each series is by source time, not by arrival, and heeds no limit."""
    points = [Point(POWER, NOW + n, n, Quality(n)) for n in (2, 0, 1)]
    other = Point(STATE, NOW - 5, 6)
    with closing(new_store()) as store:
        store.write(points[:1])
        store.write([*points[1:], other])
        assert rows(store.last(Query())) == expected(points[0], other)
        assert rows(store.last(Query(limit=1))) == expected(points[0], other)
        assert rows(store.last(Query(to_us=NOW + 2))) == expected(points[2], other)
        assert rows(store.last(Query(from_us=NOW))) == expected(points[0])
        assert rows(store.last(Query(signal="state_current"))) == expected(other)


def check_sampled(new_store: NewStore) -> None:
    """Intervals begin at multiples of their length; what is bad counts for nothing."""
    values = [3.0, -1.5, 7.25, 2.0, 8.0, 1e-3, 5.0]
    points = [
        Point(series, NOW - 3 + 2 * n, value, Quality.BAD if n == 4 else Quality(n % 2))
        for n, value in enumerate(values)
        for series in (POWER, LEVEL)
    ]
    points += [Point(STATE, at_us, 6) for at_us in (-7, -1, 0)]
    points += [Point(STATE, NOW, 2, Quality.BAD)]

    def by_hand(query: Query, every_us: int) -> list[tuple[object, ...]]:
        parts: dict[tuple[Series, int], list[float]] = {}
        for point in sorted(points, key=lambda point: point.at_us):
            if _is_inside(point, query) and point.quality != Quality.BAD:
                start_us = point.at_us // every_us * every_us
                parts.setdefault((point.series, start_us), []).append(float(point.value))
        return [
            (*key, len(v), pytest.approx(sum(v) / len(v)), min(v), max(v), v[-1])
            for key, v in sorted(parts.items())
        ]

    with closing(new_store()) as store:
        store.write(points[::-1])
        for query in (
            Query(),
            Query(limit=1),
            Query(signal="power_kw", from_us=NOW - 1, to_us=NOW + 4),
            Query(unit="STK03", to_us=0),
            Query(signal="no such"),
            Query(from_us=NOW, to_us=NOW),
        ):
            for every_us in (1, 4, 5, 1_000_000):
                found = store.sampled(query, every_us)
                assert found.every_us == every_us
                assert sorted(set(found.series_index.tolist())) == list(range(len(found.series)))
                columns = (found.at_us, found.count, found.mean, found.low, found.high, found.last)
                assert [str(column.dtype) for column in columns] == ["int64"] * 2 + ["float64"] * 4
                names = [found.series[index] for index in found.series_index]
                rows = list(zip(names, *(column.tolist() for column in columns), strict=True))
                assert rows == by_hand(query, every_us)
        with pytest.raises(LinetwinError, match="every_us: must be greater than 0, got 0"):
            store.sampled(Query(), 0)


def check_names(new_store: NewStore) -> None:
    """Names with quotes, separators and letters of any script are kept apart and come back."""
    points = [Point(series, NOW, n) for n, series in enumerate(ODD)]
    with closing(new_store()) as store:
        check_report(store, store.write(points), len(ODD))
        check_report(store, store.write(points), 0, len(ODD))
        assert rows(store.read(Query())) == expected(*points)
        for point in points:
            series = point.series
            query = Query(line=series.line, unit=series.unit, signal=series.signal)
            assert rows(store.read(query)) == expected(point)
            assert rows(store.last(query)) == expected(point)
        with pytest.raises(LinetwinError, match="names must be text that UTF-8 can carry"):
            Query(unit="bad \udcff bytes")


def check_timestamps(new_store: NewStore) -> None:
    """Timestamps are whole microseconds of 64 bits; none passes through a float on its way."""
    beyond_floats = 2**53 + 1  # in 2255: the first whole number that a float can't hold
    points = [
        Point(POWER, at_us, n)
        for n, at_us in enumerate(
            (-9_000_000_000_000_000, -1, 0, 1, 2**31, 2**32 + 1, NOW, NOW + 1, beyond_floats)
        )
    ]
    with closing(new_store()) as store:
        store.write([*points, Point(POWER, beyond_floats + 1, -1)])
        assert rows(store.read(Query(to_us=beyond_floats + 1))) == expected(*points)
        assert rows(store.read(Query(from_us=beyond_floats, to_us=beyond_floats + 1))) == expected(
            points[-1]
        )
        assert store.last(Query()).at_us.tolist() == [beyond_floats + 1]


def check_threads(new_store: NewStore) -> None:
    """Calls from several threads at once store every point once, and none fails."""
    batches = [[Point(POWER, NOW + n, n) for n in range(k, k + 40)] for k in range(0, 80, 20)]
    with closing(new_store()) as store:
        with ThreadPoolExecutor(4) as pool:
            reads = [pool.submit(store.read, Query()) for _ in range(2)]
            reports = list(pool.map(store.write, batches))
            assert all(len(rows(read.result())) <= 100 for read in reads)
        total = WriteReport(sum(r.written for r in reports), sum(r.known for r in reports))
        check_report(store, total, 100, 60)
        assert rows(store.read(Query())) == expected(
            *(Point(POWER, NOW + n, n) for n in range(100))
        )


def check_closed(new_store: NewStore) -> None:
    """Closing twice is harmless; whatever is asked of a closed store says that it is closed."""
    store = new_store()
    store.write([Point(POWER, NOW, 1.0)])
    store.close()
    store.close()
    for call in (
        lambda: store.write([Point(POWER, NOW + 1, 1.0)]),
        lambda: store.write([]),
        lambda: store.read(Query()),
        lambda: store.last(Query()),
    ):
        with pytest.raises(LinetwinError, match="closed"):
            call()


def check_against_a_dict(new_store: NewStore, max_examples: int = 25) -> None:
    """Any batches and any query give what a dict with the same batches gives.

    Args:
        new_store: opens a store that is empty.
        max_examples: how many stores to try, 1 or more.
    """
    names = st.sampled_from(["", "线"])  # few, so that identities meet
    instants = st.integers(NOW, NOW + 6)
    points = st.builds(
        Point,
        st.builds(Series, names, names, names),
        instants,
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(Quality),
    )
    queries = st.builds(
        Query,
        line=st.none() | names,
        unit=st.none() | names,
        signal=st.none() | names,
        from_us=st.none() | instants,
        to_us=st.none() | instants,
        limit=st.none() | st.integers(0, 20),
    )

    @settings(
        max_examples=max_examples,
        deadline=None,  # the first call of a store may be slow; speed is a benchmark's matter
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.lists(points, max_size=30), max_size=4), st.lists(queries, max_size=4))
    def agrees(batches: Sequence[Sequence[Point]], asked: Sequence[Query]) -> None:
        model: dict[tuple[Series, int], Point] = {}
        with closing(new_store()) as store:
            for batch in batches:
                before = len(model)
                first: dict[tuple[Series, int], Point] = {}
                for point in batch:
                    first.setdefault((point.series, point.at_us), point)
                model = model | first if store.overwrites else first | model
                new, doubled = len(model) - before, len(batch) - len(first)
                check_report(store, store.write(batch), new, len(batch) - new, doubled)
            for query in asked:
                inside = [point for point in model.values() if _is_inside(point, query)]
                inside.sort(key=lambda point: (point.at_us, point.series))
                assert rows(store.read(query)) == expected(*inside[: query.limit])
                newest = {point.series: point for point in inside}
                assert rows(store.last(query)) == expected(*newest.values())

    agrees()


def _is_inside(point: Point, query: Query) -> bool:
    """Whether a query asks for a point, limits aside."""
    series = point.series
    return (
        query.line in (None, series.line)
        and query.unit in (None, series.unit)
        and query.signal in (None, series.signal)
        and (query.from_us is None or query.from_us <= point.at_us)
        and (query.to_us is None or point.at_us < query.to_us)
    )


CHECKS: tuple[Callable[[NewStore], None], ...] = (
    check_empty,
    check_order,
    check_values,
    check_retry,
    check_conflict,
    check_duplicates_in_a_batch,
    check_refused,
    check_intervals,
    check_filters,
    check_limit,
    check_last,
    check_sampled,
    check_names,
    check_timestamps,
    check_threads,
    check_closed,
    check_against_a_dict,
)
"""Every check, for `pytest.mark.parametrize`."""


def check_historian(new_store: NewStore) -> None:
    """Hold a store to the whole contract.

    Args:
        new_store: opens a store that is empty and that no other call has returned.

    Raises:
        AssertionError: the store breaks the contract.
    """
    for check in CHECKS:
        check(new_store)
