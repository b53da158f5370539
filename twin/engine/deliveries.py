"""Material that somebody brings to a store (rule S42): what both engines make of it."""

from __future__ import annotations

from twin.engine.part_codes import MICRO
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.nearest import did_you_mean

__all__ = ["delivered_micros"]

MOST = 1e9


def delivered_micros(line: Line, material: str, amount: float) -> tuple[int, int]:
    """Check a delivery.

    Args:
        line: whose store it is for.
        material: its id.
        amount: in the material's unit, greater than 0 and at most 10^9.

    Returns:
        The material's row, and the amount in millionths of its unit.

    Raises:
        EngineError: no such material, its store never runs out, or no such amount.

    >>> from twin.model import Line, Station
    >>> from twin.model.materials import Material
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),),
    ...             materials=(Material(id="glue", unit="kg", stock=0.0),))
    >>> delivered_micros(line, "glue", 2.5)
    (0, 2500000)
    """
    names = [one.id for one in line.materials]
    if material not in names:
        raise EngineError(
            f"{material}: {line.id} has no such material; {did_you_mean(material, names)}"
        )
    row = names.index(material)
    if line.materials[row].stock is None:
        raise EngineError(f"{material}: its store never runs out, so nothing is brought to it")
    micros = round(amount * MICRO) if 0 < amount <= MOST else 0
    if not micros:
        raise EngineError(
            f"{material}: a delivery must be greater than 0 and at most 10^9, got {amount:g}"
        )
    return row, micros
