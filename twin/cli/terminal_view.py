"""What the shift lead sees in a terminal: output against target, stations, buffers, alarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from twin.cli.screen import plural, several
from twin.cli.watch import LiveLine
from twin.live.inferred import Basis, Levels
from twin.live.mirror import Mirror
from twin.live.output import MINUTE_US
from twin.live.standing import StandingAlarm, slowest_stations, standing_alarms
from twin.model.buffer import Buffer
from twin.model.packml import State
from twin.model.spool_status import SpoolStatus
from twin.model.station import Station

__all__ = ["height_wanted", "line_panel", "spool_text", "summary"]

LETTERS = {
    State.EXECUTE: ("E", "green"),
    State.SUSPENDED: ("S", "yellow"),
    State.ABORTED: ("F", "bold white on red"),
    State.HELD: ("H", "magenta"),
    State.STOPPED: ("-", "dim"),
}
LEGEND = "E executes · s starved · b blocked · F fault · H set-up · - planned · ? unknown"
MOST_LETTERS = 14
BAR = 8
FRAME = 4
"""Rows of a panel besides stations, alarms and notices: two borders, headline, column heads."""
MOST_ALARMS, MOST_NOTICES = 8, 4
MOST_ALIKE = 3


def _slowest(mirror: Mirror) -> Station | None:
    """The one slowest station; None where it can't be told."""
    slowest = slowest_stations(mirror)
    return slowest[0] if len(slowest) == 1 else None


def _say_slowest(mirror: Mirror) -> str:
    slowest = slowest_stations(mirror)
    if len(slowest) < 2:
        return f"slowest {slowest[0].id if slowest else '-'}"
    names = ", ".join(station.id for station in slowest[:MOST_ALIKE])
    more = f" and {len(slowest) - MOST_ALIKE} more" if len(slowest) > MOST_ALIKE else ""
    waited = "never waited" if not mirror.waiting_share(slowest[0]) else "wait alike"
    return f"slowest can't be told: {names}{more} {waited}"


def _output_unknown_since(mirror: Mirror) -> int | None:
    """Since when what leaves the line is not known, by the plant's clock; see `unknown_since`."""
    ends = (station for station in mirror.line.stations if not mirror.line.outputs[station.id])
    since = (mirror.unknown_since(station) for station in ends)
    return min((at for at in since if at is not None), default=None)


def _clock(unix_us: int, time_zone: str) -> str:
    return datetime.fromtimestamp(unix_us / 1e6, ZoneInfo(time_zone)).strftime("%a %H:%M:%S")


def _letter(mirror: Mirror, unit: str) -> tuple[str, str]:
    state = mirror.value(unit, "state_current")
    if state is None:
        return "?", "bold red"
    if state == State.SUSPENDED:
        return ("b", "cyan") if mirror.value(unit, "blocked") else ("s", "yellow")
    try:
        return LETTERS.get(State(int(state)), ("·", "dim"))
    except ValueError:
        return "?", "bold red"


def _machines(mirror: Mirror, station: Station) -> Text:
    letters = [_letter(mirror, station.machine_id(m)) for m in range(station.machines)]
    if len(letters) <= MOST_LETTERS:
        return Text.assemble(*letters)
    return Text.assemble(
        *((f"{count}{letter} ", style) for (letter, style), count in Counter(letters).items())
    )


def _buffer(levels: Levels, buffer: Buffer) -> Text:
    level = levels.mirror.value(buffer.id, "level")
    if level is None:
        known = levels.level(buffer)
        if known.basis is Basis.UNKNOWN:
            return Text("?", style="bold red")
        high = f"{known.high:,.0f}" if known.high < float("inf") else ""
        return Text(f"~{known.low:,.0f}" + ("" if known.low == known.high else f"–{high}"))
    if buffer.capacity is None:
        return Text(f"{level:,.0f}")
    room = buffer.capacity * buffer.lanes
    filled = min(BAR, round(BAR * level / room)) if room else 0
    bar = "█" * filled + "░" * (BAR - filled)
    style = "cyan" if filled == BAR else "yellow" if filled == 0 else ""
    return Text(f"{bar} {level:,.0f}/{room:,}", style=style)


def _headline(live: LiveLine) -> Text:
    mirror, line, unit = live.mirror, live.line, live.line.product.unit
    rate, good, scrap = live.meter.per_h(), live.meter.good_units(), live.meter.scrap_units()
    unknown = _output_unknown_since(mirror)
    text = Text()
    if unknown is not None:
        since = f"since {_clock(unknown, line.time_zone)}" if unknown else "as yet"
        text.append(f"output unknown {since}", style="bold red")
        if rate is not None:
            text.append(f"; it was {rate:,.0f} good {plural(unit)}/h", style="dim")
    elif rate is None and live.meter.watched_us >= MINUTE_US:
        text.append("output: a planned stop, no rate to tell", style="dim")
    elif rate is None:
        text.append("output: watching for a minute of the plant's time first", style="dim")
    else:
        text.append(f"{rate:,.0f} good {plural(unit)}/h", style="bold")
        if line.target:
            share = rate / line.target
            colour = "green" if share >= 1 else "yellow" if share >= 0.95 else "red"
            text.append(f"  {share:.0%} of target {line.target:,.0f}", style=colour)
        text.append(f"  in {live.meter.watched_us / MINUTE_US:.0f} min", style="dim")
    if slowest_stations(mirror):
        text.append(f"   {_say_slowest(mirror)}", style="bold")
    if good + scrap:
        text.append(f"   yield {good / (good + scrap):.2%} of {good + scrap:,.0f}")
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _urgency(mirror: Mirror, station: Station, slowest: Station | None) -> tuple[bool, ...]:
    """Whether a station is unknown, the slowest, down, waiting, at work: greatest first."""
    units = [station.machine_id(m) for m in range(station.machines)]
    letters = {_letter(mirror, unit)[0] for unit in units}
    return (
        mirror.unknown_since(station) is not None,
        station is slowest,
        "F" in letters,
        bool(letters & {"b", "s", "H"}),
        letters != {"-"},
    )


def _that_fit(live: LiveLine, rows: int) -> tuple[Sequence[Station], Sequence[Station]]:
    """Split the stations into those that are shown, in the line's order, and those left out."""
    stations = live.line.stations
    if len(stations) <= rows:
        return stations, ()
    slowest = _slowest(live.mirror)
    ranked = sorted(stations, key=lambda s: _urgency(live.mirror, s, slowest), reverse=True)
    kept = {station.id for station in ranked[: max(0, rows - 1)]}
    return (
        [station for station in stations if station.id in kept],
        [station for station in stations if station.id not in kept],
    )


def _rest(mirror: Mirror, stations: Sequence[Station]) -> Text:
    letters = Counter(
        _letter(mirror, station.machine_id(m))
        for station in stations
        for m in range(station.machines)
    )
    counts = "".join(f" {count}{letter}" for (letter, _), count in letters.most_common())
    text = Text(f"  and {several(len(stations), 'station')}:{counts}  ", style="dim")
    text.append(" ".join(station.id for station in stations))
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _stations(live: LiveLine, stations: Sequence[Station]) -> Table:
    mirror, line = live.mirror, live.line
    table = Table(box=None, padding=(0, 1), expand=True)
    table.add_column("station", no_wrap=True)
    table.add_column("machines", no_wrap=True)
    table.add_column("idle", justify="right", no_wrap=True)
    table.add_column("buffer after it", no_wrap=True)
    slowest = _slowest(mirror)
    for station in stations:
        unknown = mirror.unknown_since(station)
        share = mirror.waiting_share(station)
        if unknown is not None:
            since = _clock(unknown, line.time_zone) if unknown else "the start"
            waits = Text(f"unknown since {since}", style="bold red")
        else:
            waits = Text("" if share is None else f"{share:.0%}")
        after = [b for b in line.outputs[station.id] if b.sources[0] == station.id]
        mark = " ◀" if station is slowest else ""
        table.add_row(
            Text(station.id + mark, style="bold" if mark else ""),
            _machines(mirror, station),
            waits,
            _buffer(live.levels, after[0]) if after else Text("off the line", style="dim"),
        )
    return table


def _alarms(standing: list[StandingAlarm], live: LiveLine, rows: int) -> Text:
    time_zone = live.line.time_zone
    if not standing:
        away = [plc for plc in live.mirror.plcs if live.mirror.lost_since(plc) is not None]
        if away:
            return Text(f"  alarms unknown of {', '.join(away)}; else none", style="bold red")
        return Text("  no alarms", style="green")
    lines = []
    shown = standing if len(standing) <= rows else standing[: max(0, rows - 1)]
    for one in shown:
        name = one.alarm.name.en if one.alarm.name else ""
        style = "bold red" if one.alarm.severity >= 700 else "yellow"
        at = _clock(one.since_us, time_zone)
        lines.append(Text(f"! {at} {one.unit} {one.alarm.id} {name}", style=style))
    if len(standing) > len(shown):
        units = ", ".join(one.unit for one in standing[len(shown) :])
        more = several(len(standing) - len(shown), "more alarm" if shown else "alarm")
        lines.append(Text(f"! {more}: {units}", style="red"))
    return _rows(lines)


def _notices(live: LiveLine, rows: int) -> Text:
    latest = [notice.text for notice in live.notices][-rows:] if rows > 0 else []
    return _rows([Text(f"> {text}", style="dim") for text in latest])


def _rows(lines: list[Text]) -> Text:
    """Join lines of which each keeps to its row."""
    text = Text("\n").join(lines)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def height_wanted(live: LiveLine) -> int:
    """How many rows a line's panel would take if it had all it wants."""
    alarms = max(1, min(MOST_ALARMS, len(standing_alarms(live.mirror))))
    return FRAME + len(live.line.stations) + alarms + min(MOST_NOTICES, len(live.notices))


def line_panel(live: LiveLine, height: int, speed: float = 1.0) -> RenderableType:
    """Draw one line in at most so many rows; what matters less is left out first.

    Args:
        live: the line that is watched.
        height: rows, borders included.
        speed: of the plant's clock against the wall's.
    """
    line, mirror = live.line, live.mirror
    name = line.name.en if line.name else line.id
    newest = _clock(mirror.newest_us, line.time_zone) if mirror.newest_us else "nothing yet"
    standing = standing_alarms(live.mirror)
    # An alarm or two and the latest notice come before the stations that do as they should.
    room = max(0, height - FRAME)
    alarms = min(max(1, len(standing)), 2, room)
    notices = min(len(live.notices), 1, room - alarms)
    spare = room - alarms - notices
    shown, left_out = _that_fit(live, spare)
    spare -= len(shown) + bool(left_out)
    more_alarms = min(max(0, spare), max(0, min(MOST_ALARMS, len(standing)) - alarms))
    spare -= more_alarms
    more_notices = min(max(0, spare), max(0, min(MOST_NOTICES, len(live.notices)) - notices))
    parts: list[RenderableType] = [_headline(live), _stations(live, shown)]
    if left_out and room > alarms + notices:
        parts.append(_rest(mirror, left_out))
    if alarms:
        parts.append(_alarms(standing, live, alarms + more_alarms))
    if notices + more_notices:
        parts.append(_notices(live, notices + more_notices))
    faster = "" if speed == 1 else f", {speed:g} times real speed"
    return Panel(
        Group(*parts),
        title=f"{line.id}  {name}",
        subtitle=f"plant's clock {newest} ({line.time_zone}){faster}",
    )


def spool_text(spool: SpoolStatus) -> str:
    """Say in a line how the way to the database is.

    >>> spool_text(SpoolStatus(12_000, 61.0, 0.0, 0, 0, dropping=False, away="no answer"))
    'THE DATABASE IS NOT WRITTEN TO, 12,000 points wait on disk, the oldest for 61 s: no answer'
    >>> spool_text(SpoolStatus(40, 0.2, 2_000.0, 7, 1, dropping=True, away=""))
    'THE SPOOL IS FULL, 7 points were dropped   2,000 points/s to the database, 40 wait, 1 refused'
    """
    full = f"THE SPOOL IS FULL, {several(spool.dropped, 'point')} were dropped   "
    begin = full if spool.dropping else ""
    if spool.away:
        return (
            f"{begin}THE DATABASE IS NOT WRITTEN TO, {several(spool.points, 'point')} wait on "
            f"disk, the oldest for {spool.age_s:.0f} s: {spool.away}"
        )
    refused = f", {spool.refused:,} refused" if spool.refused else ""
    rate = f"{spool.drained_per_s:,.0f} points/s to the database"
    return f"{begin}{rate}, {spool.points:,} wait{refused}"


def summary(live: LiveLine) -> str:
    """One line of plain text, for a log or a screen that can't be drawn on."""
    line, mirror = live.line, live.mirror
    states: Counter[str] = Counter()
    for station in line.stations:
        states.update(_letter(mirror, station.machine_id(m))[0] for m in range(station.machines))
    rate, ended = live.meter.per_h(), _output_unknown_since(mirror)
    stale = f" (until {_clock(ended, line.time_zone)}, unknown since)" if ended else ""
    unknown = [s.id for s in line.stations if mirror.unknown_since(s) is not None]
    target = f" of {line.target:,.0f}" if line.target else ""
    output = f"{'-' if rate is None else f'{rate:,.0f}'}{target} good {plural(line.product.unit)}/h"
    return (
        f"{line.id} {_clock(mirror.newest_us, line.time_zone) if mirror.newest_us else '-'}: "
        f"{output}{stale}, "
        f"machines {' '.join(f'{letter}={n}' for letter, n in sorted(states.items()))}, "
        f"{_say_slowest(mirror)}, "
        f"alarms {sum(1 for _ in mirror.standing_alarms())}"
        + (f", unknown: {', '.join(unknown)}" if unknown else "")
    )
