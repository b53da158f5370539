"""How `twin history` shows rows: as CSV or as JSON."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from twin.cli.screen import print_json
from twin.historian.rows import INSTANTS, Row

__all__ = ["show"]


def show(columns: Sequence[str], rows: Sequence[Row], *, as_json: bool) -> None:
    """Print rows with the names of their columns; instants in ISO-8601, UTC."""
    # A point has its instant to the microsecond; spans are of whole minutes and seconds.
    digits = "microseconds" if "at" in columns else "seconds"
    dated = [
        tuple(
            _utc(value, digits) if column in INSTANTS and value is not None else value
            for column, value in zip(columns, row, strict=True)
        )
        for row in rows
    ]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in dated])
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(dated)


def _utc(at_us: Any, digits: str) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec=digits)
