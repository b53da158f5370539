"""What the shift lead sees in a terminal: output against target, stations, buffers, alarms."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from twin.cli.watch import LiveLine
from twin.live.mirror import Mirror
from twin.model.buffer import Buffer
from twin.model.packml import State
from twin.model.station import Station

__all__ = ["line_panel", "slowest_station", "summary"]

LETTERS = {
    State.EXECUTE: ("E", "green"),
    State.SUSPENDED: ("S", "yellow"),
    State.ABORTED: ("F", "bold white on red"),
    State.HELD: ("H", "magenta"),
    State.STOPPED: ("-", "dim"),
}
LEGEND = "E executes  s starved  b blocked  F fault  H set-up  - planned stop  ? unknown"
MOST_LETTERS = 14
BAR = 8


def slowest_station(mirror: Mirror) -> Station | None:
    """The station that waits least of all that are known; None before enough has been seen."""
    shares = [
        (share, station)
        for station in mirror.line.stations
        if mirror.unknown_since(station) is None
        and (share := mirror.waiting_share(station)) is not None
    ]
    return min(shares, key=lambda pair: pair[0])[1] if shares else None


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


def _buffer(mirror: Mirror, buffer: Buffer) -> Text:
    level = mirror.value(buffer.id, "level")
    if level is None:
        return Text("?", style="bold red")
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
    text = Text()
    if rate is None:
        text.append("output: watching for a minute of the plant's time first", style="dim")
    else:
        text.append(f"{rate:,.0f} good {unit}s/h", style="bold")
        if line.target:
            share = rate / line.target
            colour = "green" if share >= 1 else "yellow" if share >= 0.95 else "red"
            text.append(f"  {share:.0%} of the target {line.target:,.0f}", style=colour)
    if good + scrap:
        text.append(f"   {good:,.0f} good so far, yield {good / (good + scrap):.2%}")
    slowest = slowest_station(mirror)
    if slowest is not None:
        text.append(f"   slowest: {slowest.id}", style="bold")
    return text


def _stations(live: LiveLine) -> Table:
    mirror, line = live.mirror, live.line
    table = Table(box=None, padding=(0, 1), expand=True)
    table.add_column("station", no_wrap=True)
    table.add_column("machines", no_wrap=True)
    table.add_column("waits", justify="right", no_wrap=True)
    table.add_column("buffer after it", no_wrap=True)
    slowest = slowest_station(mirror)
    for station in line.stations:
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
            _buffer(mirror, after[0]) if after else Text("off the line", style="dim"),
        )
    return table


def _alarms(live: LiveLine, most: int) -> Text:
    standing = [
        (station_alarm.severity, held.source_us, tag.unit, station_alarm)
        for tag, held in live.mirror.standing_alarms()
        for station_alarm in live.line.station_by_id[tag.station].alarms
        if f"alarm.{station_alarm.id}" == tag.signal.name and station_alarm.category != "MAT"
    ]
    standing.sort(key=lambda row: (-row[0], -row[1]))
    if not standing:
        return Text("no alarms", style="green")
    text = Text()
    for severity, at, unit, alarm in standing[:most]:
        name = alarm.name.en if alarm.name else alarm.id
        style = "red" if severity >= 700 else "yellow"
        text.append(f"{_clock(at, live.line.time_zone)} {unit} {alarm.id} {name}\n", style=style)
    if len(standing) > most:
        text.append(f"and {len(standing) - most} more", style="dim")
    return text


def line_panel(live: LiveLine, alarms: int = 4) -> RenderableType:
    """Draw one line.

    Args:
        live: the line that is watched.
        alarms: how many alarms to show at most.
    """
    line, mirror = live.line, live.mirror
    name = line.name.en if line.name else line.id
    newest = _clock(mirror.newest_us, line.time_zone) if mirror.newest_us else "nothing yet"
    parts: list[RenderableType] = [_headline(live), _stations(live), _alarms(live, alarms)]
    if live.notices:
        latest = live.notices[-1]
        parts.append(
            Text(f"{_clock(latest.at_us, line.time_zone)} {latest.text}", style="dim italic")
        )
    return Panel(
        Group(*parts),
        title=f"{line.id}  {name}",
        subtitle=f"plant's clock {newest}  ({line.time_zone})",
    )


def summary(live: LiveLine) -> str:
    """One line of plain text, for a log or a screen that can't be drawn on."""
    line, mirror = live.line, live.mirror
    states: Counter[str] = Counter()
    for station in line.stations:
        states.update(_letter(mirror, station.machine_id(m))[0] for m in range(station.machines))
    rate, slowest = live.meter.per_h(), slowest_station(mirror)
    unknown = [s.id for s in line.stations if mirror.unknown_since(s) is not None]
    target = f" of {line.target:,.0f}" if line.target else ""
    return (
        f"{line.id} {_clock(mirror.newest_us, line.time_zone) if mirror.newest_us else '-'}: "
        f"{'-' if rate is None else f'{rate:,.0f}'}{target} good {line.product.unit}s/h, "
        f"machines {' '.join(f'{letter}={n}' for letter, n in sorted(states.items()))}, "
        f"slowest {slowest.id if slowest else '-'}, "
        f"alarms {sum(1 for _ in mirror.standing_alarms())}"
        + (f", unknown: {', '.join(unknown)}" if unknown else "")
    )
