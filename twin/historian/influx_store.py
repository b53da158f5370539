"""The historian in InfluxDB: points written and read at once, without a spool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock

from twin.errors import LinetwinError
from twin.historian.influx import InfluxAddress, InfluxDoor
from twin.historian.influxql import history, interval, sampled, samples, select, sources
from twin.historian.line_protocol import Encoder
from twin.historian.port import (
    History,
    Point,
    Query,
    Refused,
    Samples,
    Series,
    WriteReport,
    joined,
)
from twin.historian.refused_lines import write_what_it_takes
from twin.historian.sampling import check_interval
from twin.model.line import Line

__all__ = ["InfluxHistorian"]


class InfluxHistorian:
    """A historian in an InfluxDB that is there.

    Args:
        address: where the database is; `twin influx setup` makes it.
        lines: the lines of the plant, whose signals are kept in measurements of their own.

    Points of one identity that differ overwrite each other: the last one written stays.
    """

    overwrites = True

    def __init__(self, address: InfluxAddress, lines: Iterable[Line] = ()) -> None:
        self._address = address
        self._door = InfluxDoor(address)
        self._encoder = Encoder(lines)
        self._one_at_a_time = Lock()
        self._closed = False

    def write(self, batch: Sequence[Point]) -> WriteReport:
        """Store a batch; see `Historian.write`."""
        with self._one_at_a_time:
            self._check_open()
            found, refused = self._encoder.encode(batch)
            bad = {id(item.point) for item in refused}
            kept: dict[tuple[Series, int], Point] = {}
            for point in batch:
                if id(point) not in bad:
                    kept.setdefault((point.series, int(point.at_us)), point)
            known = len(batch) - len(refused) - len(kept)
            if known:
                found, _ = self._encoder.encode(list(kept.values()))
            texts = [text for lines in found for text in lines.lines]
            by_text = {} if not texts else self._send(texts)
            if by_text:
                refused += tuple(self._refused(kept.values(), by_text))
            return WriteReport(len(batch) - known - len(refused), known, refused)

    def read(self, query: Query) -> History:
        """Return the points that a query asks for; see `Historian.read`."""
        more = "" if query.limit is None else f" LIMIT {query.limit}"
        return self._ask(query, more, query.limit)

    def last(self, query: Query) -> History:
        """Return the newest point of each series that a query asks for; see `Historian.last`."""
        return self._ask(query, " ORDER BY time DESC LIMIT 1", None)

    def sampled(self, query: Query, every_us: int) -> Samples:
        """Return points brought down to a row an interval; see `Historian.sampled`."""
        check_interval(every_us)
        with self._one_at_a_time:
            self._check_open()
            first, last = interval(query)
            asked = sources(query) if first <= last else []
            statements = [sampled(source, query, every_us) for source in asked]
            answers = self._door.ask(statements, self._address.database) if asked else []
            return samples(every_us, asked, answers)

    def close(self) -> None:
        """Let go of the connections; calling it twice is harmless."""
        with self._one_at_a_time:
            self._closed = True
            self._door.close()

    def _ask(self, query: Query, more: str, limit: int | None) -> History:
        with self._one_at_a_time:
            self._check_open()
            first, last = interval(query)
            asked = sources(query)
            if first > last or limit == 0 or not asked:
                return joined(())
            statements = [select(source, query, more=more) for source in asked]
            return history(asked, self._door.ask(statements, self._address.database), limit)

    def _send(self, texts: list[str]) -> dict[str, str]:
        """Write lines; return those that the database refuses, with its reasons."""
        refused = write_what_it_takes(
            texts, lambda body: self._door.write(body, self._address.database)
        )
        return {line.text: line.reason for line in refused}

    def _refused(self, points: Iterable[Point], by_text: dict[str, str]) -> Iterable[Refused]:
        for point in points:
            (lines,), _ = self._encoder.encode([point])
            if reason := by_text.get(lines.lines[0]):
                yield Refused(point, reason)

    def _check_open(self) -> None:
        if self._closed:
            raise LinetwinError(f"{self._address.url}: this historian is closed; open another one")
