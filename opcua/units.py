"""Engineering units: their common codes (UNECE Recommendation 20), which OPC UA numbers them by."""

from __future__ import annotations

__all__ = ["common_code"]

_CODES = {
    "%": "P1",
    "A": "AMP",
    "Hz": "HTZ",
    "K": "KEL",
    "MPa": "MPA",
    "N": "NEW",
    "Pa": "PAL",
    "V": "VLT",
    "W": "WTT",
    "bar": "BAR",
    "cm": "CMT",
    "degC": "CEL",
    "g": "GRM",
    "h": "HUR",
    "kN": "B47",
    "kPa": "KPA",
    "kW": "KWT",
    "kWh": "KWH",
    "kg": "KGM",
    "l": "LTR",
    "l/min": "L2",
    "m": "MTR",
    "m/min": "2X",
    "m/s": "MTS",
    "m3/h": "MQH",
    "mA": "4K",
    "mV": "2Z",
    "mbar": "MBR",
    "min": "MIN",
    "mm": "MMT",
    "ms": "C26",
    "rpm": "RPM",
    "s": "SEC",
    "um": "4H",
}


def common_code(unit: str) -> str:
    """Find a unit's common code; empty where the table has none.

    Args:
        unit: as on a screen, as `degC`.

    >>> common_code("degC"), common_code("furlong")
    ('CEL', '')
    """
    return _CODES.get(unit, "")
