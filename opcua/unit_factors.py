"""Conversion between engineering units that measure the same: value * factor + offset."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from twin.errors import QuantityError
from twin.model.nearest import did_you_mean

__all__ = ["UNIT_FACTORS", "between"]

UNIT_FACTORS: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "temperature": {
            "K": (1, 0),
            "degC": (1, 273.15),
            "degF": (5 / 9, 459.67 * 5 / 9),
        },
        "time": {"s": (1, 0), "ms": (1e-3, 0), "us": (1e-6, 0), "min": (60, 0), "h": (3600, 0)},
        "length": {
            "m": (1, 0),
            "km": (1e3, 0),
            "cm": (1e-2, 0),
            "mm": (1e-3, 0),
            "um": (1e-6, 0),
            "in": (0.0254, 0),
        },
        "speed": {
            "m/s": (1, 0),
            "mm/s": (1e-3, 0),
            "m/min": (1 / 60, 0),
            "ft/min": (0.3048 / 60, 0),
        },
        "pressure": {
            "Pa": (1, 0),
            "kPa": (1e3, 0),
            "MPa": (1e6, 0),
            "mbar": (1e2, 0),
            "bar": (1e5, 0),
            "psi": (6894.757293168, 0),
        },
        "force": {"N": (1, 0), "kN": (1e3, 0)},
        "voltage": {"V": (1, 0), "mV": (1e-3, 0), "kV": (1e3, 0)},
        "current": {"A": (1, 0), "mA": (1e-3, 0), "uA": (1e-6, 0)},
        "power": {"W": (1, 0), "kW": (1e3, 0)},
        "energy": {"J": (1, 0), "Wh": (3600, 0), "kWh": (3.6e6, 0)},
        "frequency": {
            "Hz": (1, 0),
            "kHz": (1e3, 0),
            "rpm": (1 / 60, 0),
            "1/s": (1, 0),
            "1/min": (1 / 60, 0),
            "1/h": (1 / 3600, 0),
        },
        "mass": {"kg": (1, 0), "g": (1e-3, 0), "t": (1e3, 0), "lb": (0.45359237, 0)},
        "flow": {"l/min": (1, 0), "L/min": (1, 0), "m3/h": (1000 / 60, 0)},
        "share": {"1": (1, 0), "%": (1e-2, 0), "ppm": (1e-6, 0)},
    }
)
"""By quantity: each unit's factor and offset to the first of them (NIST SP 811, appendix B.8)."""


def between(given: str, wanted: str) -> tuple[float, float]:
    """Find factor and offset from one unit to another.

    Args:
        given: the unit that a value is in.
        wanted: the unit that it is to be in.

    Returns:
        Factor and offset: `value * factor + offset`.

    Raises:
        QuantityError: there is no such unit, or they measure different things.

    >>> factor, offset = between("degF", "degC")
    >>> round(212 * factor + offset, 9)
    100.0
    >>> between("mm/s", "bar")
    Traceback (most recent call last):
    ...
    twin.errors.QuantityError: must be a unit of pressure, as Pa, kPa, MPa, mbar, bar, psi
    """
    if given == wanted:
        return 1.0, 0.0
    units = next((u for u in UNIT_FACTORS.values() if wanted in u), None)
    if units is None:
        raise QuantityError(f"must be {wanted}, which is not converted; use scale and offset")
    if given not in units:
        quantity = next(name for name, u in UNIT_FACTORS.items() if u is units)
        every = [unit for u in UNIT_FACTORS.values() for unit in u]
        hint = "" if given in every else f"; {did_you_mean(given, every)}"
        raise QuantityError(f"must be a unit of {quantity}, as {', '.join(units)}{hint}")
    factor, offset = units[given]
    to_factor, to_offset = units[wanted]
    return factor / to_factor, (offset - to_offset) / to_factor
