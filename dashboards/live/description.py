"""What a browser needs to know of a line once: its stations, buffers, signals, places, names."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboards.live.mimic import mimic_of
from twin.engine.quantiles import mean_us, quantile_table
from twin.model.base import Text
from twin.model.buffer import Buffer
from twin.model.line import Line
from twin.model.station import Station
from twin.signals import lane_id

__all__ = ["describe"]


def describe(line: Line) -> dict[str, Any]:
    """Describe a line for a browser; the same for the same line.

    Args:
        line: a checked line.

    Returns:
        Values that JSON can say; every text as `{en, zh}`, every time in seconds.

    >>> from lines.loader import load
    >>> found = describe(load("five_stations"))
    >>> [station["id"] for station in found["stations"]]
    ['M1', 'M2', 'M3', 'M4', 'M5']
    """
    mimic = mimic_of(line)
    places = {cell.station: cell for cell in mimic.cells}
    shifts = line.shifts
    return {
        "id": line.id,
        "name": _text(line.name, line.id),
        "site": line.site,
        "time_zone": line.time_zone,
        "unit": line.product.unit,
        "product": _text(line.product.name, line.product.unit),
        "target_per_h": line.target,
        "shift_s": None if shifts is None else shifts.length_us / 1e6,
        "columns": mimic.columns,
        "rows": mimic.rows,
        "plcs": [
            {"id": plc, "name": _text(names.get(plc), plc)}
            for names in [{one.id: one.name for one in line.plcs}]
            for plc in dict.fromkeys(line.plc_of(s.id) for s in line.stations)
        ],
        "stations": [
            _station(line, s, places[s.id].column, places[s.id].row) for s in line.stations
        ],
        "buffers": [_buffer(buffer) for buffer in line.buffers],
    }


def _text(text: Text | None, otherwise: str) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh} if text else {"en": otherwise, "zh": otherwise}


def _station(line: Line, station: Station, column: int, row: int) -> dict[str, Any]:
    return {
        "id": station.id,
        "name": _text(station.name, station.id),
        "area": station.area,
        "plc": line.plc_of(station.id),
        "column": column,
        "row": row,
        "machines": [station.machine_id(m) for m in range(station.machines)],
        "places": station.places,
        "cycle_time_s": mean_us(station.cycle_time) / station.effectiveness / 1e6,
        "cycle_time_hundredths_s": _hundredths(station),
        "ends": not line.outputs[station.id],
        "failures": [
            {
                "id": f.id,
                "name": _text(f.name, f.id),
                "depends_on": f.depends_on,
                "mtbf_s": mean_us(f.mtbf) / 1e6,
                "mttr_s": mean_us(f.mttr) / 1e6,
            }
            for f in station.failures
        ],
        "variables": [
            {
                "id": v.id,
                "name": _text(v.name, v.id),
                "unit": v.unit,
                "nominal": v.nominal,
                "low": v.low,
                "high": v.high,
                "alarm_low": v.alarm_low,
                "alarm_high": v.alarm_high,
            }
            for v in station.variables
        ],
        "alarms": [
            {
                "id": a.id,
                "name": _text(a.name, a.id),
                "category": a.category,
                "severity": a.severity,
            }
            for a in station.alarms
        ],
    }


def _hundredths(station: Station) -> list[float]:
    """The model's cycle time: its 1st to 99th hundredth, in seconds."""
    table = quantile_table(station.cycle_time, 1 / station.effectiveness).main
    at = np.linspace(0, len(table) - 1, 101)[1:-1]
    return [float(f"{us / 1e6:.6g}") for us in np.interp(at, np.arange(len(table)), table)]


def _buffer(buffer: Buffer) -> dict[str, Any]:
    return {
        "id": buffer.id,
        "name": _text(buffer.name, buffer.id),
        "from": list(buffer.sources),
        "to": list(buffer.sinks),
        "capacity": None if buffer.capacity is None else buffer.capacity * buffer.lanes,
        "lane_capacity": buffer.capacity,
        "lanes": [lane_id(buffer, i) for i in range(buffer.lanes)] if buffer.lanes > 1 else [],
    }
