"""The statements that add, read and export points, and a query as their parameters."""

from __future__ import annotations

from typing import Final, TypeAlias

from twin.historian.port import AT_US_MAX, AT_US_MIN, Query, names_of

__all__ = [
    "ADD_POINTS",
    "ALL",
    "EARLIEST",
    "EXPORT",
    "FORMS",
    "NEWEST",
    "SAMPLED",
    "SERIES",
    "Parameters",
    "parameters_of",
]

ADD_POINTS: Final = """
    INSERT INTO store.point
    SELECT series_id, at_us, value, quality
    FROM batch ANTI JOIN (
        SELECT series_id, at_us FROM store.point WHERE at_us BETWEEN $first AND $last
    ) USING (series_id, at_us)
"""

# Reading statements are put together from these constants; values go in as parameters.
SERIES: Final = """
    SELECT id, line, unit, signal, row_number() OVER (ORDER BY line, unit, signal) - 1 AS rank
    FROM store.series
    WHERE ($line::VARCHAR IS NULL OR line = $line)
        AND ($units::VARCHAR[] IS NULL OR list_contains($units, unit))
        AND ($signals::VARCHAR[] IS NULL OR list_contains($signals, signal))
"""

ALL: Final = f"""
    SELECT named.*, at_us, value, quality
    FROM store.point JOIN ({SERIES}) named ON series_id = id
    WHERE at_us BETWEEN $first AND $last
"""  # noqa: S608

EARLIEST: Final = f"SELECT * FROM ({ALL}) ORDER BY at_us, rank LIMIT $limit"  # noqa: S608

# Finding the newest instants first and their values after is four times as fast as arg_max.
NEWEST: Final = f"""
    SELECT * FROM ({ALL}) JOIN (
        SELECT id, max(at_us) AS at_us FROM ({ALL}) GROUP BY id
    ) newest USING (id, at_us)
"""  # noqa: S608

# The remainder is taken twice, since it has the sign of a time before 1970.
SAMPLED: Final = f"""
    SELECT rank, at_us - (at_us % $every + $every) % $every AS start_us, count(*) AS points,
        avg(value) AS mean, min(value) AS low, max(value) AS high,
        arg_max(value, at_us) AS last
    FROM ({ALL}) WHERE quality < 2 GROUP BY rank, start_us ORDER BY rank, start_us
"""  # noqa: S608

EXPORT: Final = """
    COPY (
        SELECT {at} AS "at", line, unit, signal, value,
            ['good', 'uncertain', 'bad'][quality + 1] AS quality
        FROM ({rows}) ORDER BY rank, at_us
    ) TO $path ({form})
"""

FORMS: Final = {
    ".csv": ("strftime(make_timestamp(at_us), '%Y-%m-%dT%H:%M:%S.%fZ')", "FORMAT csv, HEADER"),
    ".parquet": ("make_timestamptz(at_us)", "FORMAT parquet"),
}


Parameters: TypeAlias = dict[str, str | int | list[str] | None]
"""What goes into a statement."""


def parameters_of(query: Query) -> Parameters:
    """Return a query as the parameters of the statements above, with both sides closed."""
    first = AT_US_MIN if query.from_us is None else query.from_us
    last = AT_US_MAX if query.to_us is None else query.to_us - 1
    units, signals = names_of(query.unit), names_of(query.signal)
    parameters: Parameters = {
        "line": query.line,
        "units": None if units is None else list(units),
        "signals": None if signals is None else list(signals),
        "first": min(max(first, AT_US_MIN), AT_US_MAX + 1),
        "last": min(max(last, AT_US_MIN - 1), AT_US_MAX),
    }
    if query.limit is not None:
        parameters["limit"] = query.limit
    return parameters
