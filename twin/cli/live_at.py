"""`twin live at`: the state of a line at a past instant, from its history."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from lines.loader import load
from twin.cli.numbers import whole
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR, STDOUT, print_json, print_rows
from twin.cli.snapshot import write_snapshot
from twin.cli.stores import (
    DATABASE,
    ORG,
    Database,
    InfluxUrl,
    Org,
    TokenFile,
    influx_address,
    open_reader,
)
from twin.errors import UsageError
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Historian, Query
from twin.live.inferred import Basis, Known, Levels
from twin.live.known import KnownMachine, KnownValue, known_levels, known_machines
from twin.live.recollection import mirror_then, recollected, span_of
from twin.live.restored import restored
from twin.model.line import Line
from twin.model.packml import State

if TYPE_CHECKING:
    from twin.historian.influx import InfluxAddress

__all__ = ["EXAMPLES", "at", "instant_of", "newest_of", "open_history"]

EXAMPLES = (
    "Examples:  twin live at tube_line '2026-11-20 14:03'   |   "
    "twin live at tube_line '2026-11-20 14:03:30' --snapshot then.json   |   "
    "twin live at tube_line --json --data twin-data"
)
_SHOWN = 5


def at(
    line: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
    when: Annotated[
        str | None,
        typer.Argument(
            metavar="WHEN",
            help="As '2026-11-20 14:03', in the line's time zone unless it names an offset. "
            "\\[the newest instant of the history]",
        ),
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="The history's file. \\[the one in --data]")
    ] = None,
    snapshot: Annotated[
        Path | None,
        typer.Option(help="Write the state for 'twin whatif --start' and 'twin forecast --from'."),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            parser=whole("--seed"), metavar="NUMBER", help="Of what is drawn for the snapshot."
        ),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    data: Annotated[Path, typer.Option(help="The data directory of 'twin run'.")] = DEFAULT_DATA,
    influx: InfluxUrl = None,
    database: Database = DATABASE,
    org: Org = ORG,
    token_file: TokenFile = None,
) -> None:
    """Say what was known of a line at a past instant: states, waits, levels, each with its age."""
    loaded = load(line)
    asked_us = None if when is None else instant_of(when, loaded.time_zone)
    if history is not None and influx is not None:
        raise UsageError("give --history or --influx, not both")
    if history is not None and not history.is_file():
        raise UsageError(f"--history must be a history's file, and there is no {history}")
    if snapshot is not None and not snapshot.parent.is_dir():
        raise UsageError(f"--snapshot: {snapshot.parent} must be a directory; create it first")
    address = influx_address(influx, database, org, token_file)
    store = open_history(DataPlaces(data), history, address)
    try:
        at_us = _within(store, loaded, asked_us)
        found = recollected(store, loaded, at_us)
    finally:
        store.close()
    if found is None:
        raise UsageError(f"the history has nothing of {loaded.id} up to {_said(loaded, at_us)}")
    mirror = mirror_then(found)
    levels = Levels(mirror)
    levels.take()
    if as_json:
        print_json(_json(levels, at_us))
    else:
        _print(levels, at_us)
    if snapshot is not None:
        state = restored(mirror, seed=seed)
        write_snapshot(snapshot, state.snapshot.to_json())
        _tell(snapshot, loaded, at_us, state.drawn, state.unheard_us)


def open_history(places: DataPlaces, file: Path | None, address: InfluxAddress | None) -> Historian:
    """Open the history that was asked for; a named file only to be read."""
    if file is not None:
        return DuckDBHistorian(file, read_only=True)
    return open_reader(places, address)


def newest_of(store: Historian, line: Line) -> int:
    """The newest instant that a history knows a line's plant at, microseconds since 1970-01-01 UTC.

    Raises:
        UsageError: the history has nothing of it.
    """
    return _within(store, line, None)


def instant_of(text: str, time_zone: str) -> int:
    """Read an instant of a plant's clock on the wall; microseconds since 1970-01-01 UTC.

    Args:
        text: as `2026-11-20 14:03` or `2026-11-20T14:03:30.5+08:00`.
        time_zone: IANA name; where the text has no offset.

    Raises:
        UsageError: it is none, or the clock shows it never or twice.

    >>> instant_of("2026-11-20 14:03", "Asia/Shanghai")
    1795154580000000
    """
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"the instant must be as '2026-11-20 14:03', got {text!r}") from None
    if local.tzinfo is None:
        zone = ZoneInfo(time_zone)
        local = local.replace(tzinfo=zone)
        if local.astimezone(UTC).astimezone(zone).replace(fold=0) != local.replace(fold=0):
            raise UsageError(
                f"the clocks of {time_zone} never showed {text}: they were set forward"
            )
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            first, second = local.isoformat(" "), local.replace(fold=1).isoformat(" ")
            raise UsageError(
                f"the clocks of {time_zone} showed {text} twice; say which: '{first}' or '{second}'"
            )
    try:
        return round(local.timestamp() * 1e6)
    except (OverflowError, ValueError):
        raise UsageError(f"the instant must be in the years 2 to 9998, got {text!r}") from None


def _within(store: Historian, line: Line, asked_us: int | None) -> int:
    """The instant, if the history reaches so far."""
    span = span_of(store, line)
    if span is None:
        others = sorted({series.line for series in store.last(Query()).series})
        has = f"it has {', '.join(others)}" if others else "it is empty"
        raise UsageError(f"the history has nothing of the plant of {line.id}; {has}")
    first_us, newest_us = span
    if asked_us is None:
        return newest_us
    reach = f"the history of {line.id} is from {_said(line, first_us)} to {_said(line, newest_us)}"
    if asked_us > newest_us:
        if asked_us > time.time_ns() // 1000:
            raise UsageError(
                f"{_said(line, asked_us)} is in the future; {reach}; 'twin forecast' looks ahead"
            )
        raise UsageError(f"{_said(line, asked_us)} is after it: {reach}")
    if asked_us < first_us:
        raise UsageError(f"{_said(line, asked_us)} is before it: {reach}")
    return asked_us


def _said(line: Line, at_us: int) -> str:
    local = datetime.fromtimestamp(at_us / 1e6, ZoneInfo(line.time_zone))
    return f"{local:%Y-%m-%d %H:%M:%S} {line.time_zone}"


def _json(levels: Levels, at_us: int) -> dict[str, Any]:
    mirror, line = levels.mirror, levels.mirror.line
    plcs = {}
    for plc in mirror.plcs:
        heard_us = mirror.heard_us(plc)
        plcs[plc] = {
            "known": mirror.lost_since(plc) is None,
            "heard_to": _iso(line, heard_us) if heard_us else None,
        }
    machines = {
        one.unit: {
            "station": one.station,
            "state": _name(one.state),
            "starved": _flag(one.starved),
            "blocked": _flag(one.blocked),
            "silent_too_long": one.silent,
        }
        for station in line.stations
        for one in known_machines(levels, station)
    }
    buffers = {name: _level(known) for name, known in known_levels(levels)}
    counters = {
        station.id: {name: mirror.total(station, name) for name in ("processed", "defective")}
        for station in line.stations
    }
    return {
        "line": line.id, "at": _iso(line, at_us), "at_us": at_us, "time_zone": line.time_zone,
        "plcs": plcs, "machines": machines, "buffers": buffers, "counters": counters,
    }  # fmt: skip


def _iso(line: Line, at_us: int) -> str:
    zone = ZoneInfo(line.time_zone)
    return datetime.fromtimestamp(at_us / 1e6, zone).isoformat(timespec="milliseconds")


def _marked(value: Any, known: KnownValue) -> dict[str, Any]:
    return {"value": value, "basis": known.basis.value, "age_s": _seconds(known.age_us)}


def _seconds(age_us: int | None) -> float | None:
    return None if age_us is None else age_us / 1e6


def _name(state: KnownValue) -> dict[str, Any]:
    return _marked(None if state.value is None else _state_name(state.value), state)


def _state_name(value: float) -> str:
    try:
        return State(int(value)).name
    except ValueError:
        return f"{value:g}"


def _flag(known: KnownValue) -> dict[str, Any]:
    return _marked(None if known.value is None else bool(known.value), known)


def _level(known: Known) -> dict[str, Any]:
    return {
        "low": known.low,
        "high": None if known.high == float("inf") else known.high,
        "basis": known.basis.value,
        "age_s": _seconds(known.age_us),
    }


def _print(levels: Levels, at_us: int) -> None:
    mirror, line = levels.mirror, levels.mirror.line
    STDOUT.print(f"{line.id} at {_said(line, at_us)}", highlight=False, style="bold")
    for plc in mirror.plcs:
        if mirror.lost_since(plc) is not None:
            heard_us = mirror.heard_us(plc)
            since = _said(line, heard_us) if heard_us else "the beginning"
            names = ", ".join(mirror.stations_of(plc))
            text = f"{plc}: nothing known since {since}; of {names} the last values are shown"
            STDOUT.print(text, highlight=False, soft_wrap=True, markup=False)
    rows = []
    for station in line.stations:
        machines = list(known_machines(levels, station))
        shown = Counter(_word(one) for one in machines)
        ages = [one.state.age_us for one in machines if one.state.age_us is not None]
        made = mirror.total(station, "processed")
        after = [b for b in line.outputs[station.id] if b.sources[0] == station.id]
        rows.append(
            (
                station.id,
                ", ".join(f"{count} {word}" for word, count in shown.most_common()),
                _age(min(ages)) if ages else "",
                "" if made is None else f"{made:,.0f}",
                "; ".join(f"{b.id} {_level_text(levels.level(b))}" for b in after),
            )
        )
    print_rows(("station", "machines", "newest change", "processed", "buffer after it"), rows)


def _age(us: int) -> str:
    seconds = us / 1e6
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _word(one: KnownMachine) -> str:
    mark = "" if one.state.basis is Basis.REPORTED else "?"
    if one.state.value is None:
        return "standing" if one.silent else "unknown"
    name = _state_name(one.state.value).lower()
    if name == "suspended":
        name = "starved" if one.starved.value else "blocked" if one.blocked.value else name
    return f"{name}{mark}"


def _level_text(known: Known) -> str:
    if known.low == known.high:
        text = f"{known.low:g}"
    else:
        text = f"{known.low:g}-{known.high:g}" if known.high < float("inf") else f">={known.low:g}"
    return text if known.basis is Basis.REPORTED else f"{text} ({known.basis.value})"


def _tell(
    path: Path, line: Line, at_us: int, drawn: tuple[str, ...], unheard_us: Mapping[str, int]
) -> None:
    for name, us in unheard_us.items():
        STDERR.print(
            f"{name}: not heard for {_age(us)}; "
            f"twin forecast --unknown '{name}={us // 1_000_000} s' reckons with that",
            highlight=False, soft_wrap=True, markup=False,
        )  # fmt: skip
    for text in drawn[:_SHOWN]:
        STDERR.print(f"drawn: {text}", highlight=False, soft_wrap=True, markup=False)
    if len(drawn) > _SHOWN:
        STDERR.print(f"and {len(drawn) - _SHOWN} more were drawn", highlight=False)
    STDERR.print(
        f"{line.id} at {_said(line, at_us)} written to {path}", highlight=False, soft_wrap=True
    )
