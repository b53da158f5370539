"""Engineering units: their common codes (UNECE Recommendation 20), which OPC UA numbers them by."""

from __future__ import annotations

__all__ = ["UNITS_URI", "common_code", "unit_number"]

UNITS_URI = "http://www.opcfoundation.org/UA/units/un/cefact"

_CODES = {
    "%": "P1",
    "1": "C62",
    "1/h": "H10",
    "1/min": "C94",
    "A": "AMP",
    "Ah": "AMH",
    "Hz": "HTZ",
    "J": "JOU",
    "K": "KEL",
    "L/min": "L2",
    "MOhm": "B75",
    "MPa": "MPA",
    "N": "NEW",
    "N/mm": "F47",
    "Pa": "PAL",
    "V": "VLT",
    "W": "WTT",
    "Wh": "WHR",
    "bar": "BAR",
    "cell": "H87",
    "cm": "CMT",
    "count": "H87",
    "degC": "CEL",
    "g": "GRM",
    "g/cm3": "23",
    "h": "HUR",
    "kHz": "KHZ",
    "kN": "B47",
    "kPa": "KPA",
    "kV": "KVT",
    "kW": "KWT",
    "kWh": "KWH",
    "kg": "KGM",
    "km": "KMT",
    "l": "LTR",
    "l/min": "L2",
    "m": "MTR",
    "m/min": "2X",
    "m/s": "MTS",
    "m2": "MTK",
    "m3/h": "MQH",
    "mA": "4K",
    "mOhm": "E45",
    "mPa.s": "C24",
    "mV": "2Z",
    "mbar": "MBR",
    "mbar.l/s": "F95",
    "mg/cm2": "H63",
    "min": "MIN",
    "mm": "MMT",
    "mm/s": "C16",
    "ms": "C26",
    "ppm": "59",
    "rpm": "RPM",
    "s": "SEC",
    "set": "SET",
    "t": "TNE",
    "tube": "H87",
    "uA": "B84",
    "uSv/h": "P72",
    "um": "4H",
    "wt%": "60",
}


def common_code(unit: str) -> str:
    """Find a unit's common code; empty where the table has none.

    Args:
        unit: as on a screen, as `degC`.

    >>> common_code("degC"), common_code("furlong")
    ('CEL', '')
    """
    return _CODES.get(unit, "")


def unit_number(unit: str) -> int:
    """Number a unit as OPC UA does: its code's characters as bytes (OPC 10000-8, 5.6.4.3).

    Args:
        unit: as on a screen; one without a common code has the number -1.

    >>> unit_number("degC"), unit_number("furlong")
    (4408652, -1)
    """
    code = common_code(unit)
    return int.from_bytes(code.encode(), "big") if code else -1
