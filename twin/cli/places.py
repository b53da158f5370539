"""Where linetwin keeps what it must keep: keys, history, logs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["DEFAULT_DATA", "DataPlaces"]

DEFAULT_DATA = Path("linetwin-data")


@dataclass(frozen=True, slots=True)
class DataPlaces:
    """The files below one data directory.

    Args:
        root: the directory; made when something is first kept in it.
    """

    root: Path

    @property
    def pki(self) -> Path:
        """Keys, certificates and the password of the emulated PLCs."""
        return self.root / "pki"

    @property
    def spool(self) -> Path:
        """What is made and not yet in the InfluxDB."""
        return self.root / "spool.sqlite"

    @property
    def audit(self) -> Path:
        """What was asked of plants."""
        return self.root / "commands.sqlite"

    @property
    def history(self) -> Path:
        """The embedded historian's file."""
        return self.root / "history.duckdb"

    @property
    def users(self) -> Path:
        """Who may use the live page."""
        return self.root / "users.json"

    @property
    def notebook(self) -> Path:
        """What people did on the live page."""
        return self.root / "page.sqlite"

    @property
    def forecasts(self) -> Path:
        """Forecasts and what came of them."""
        return self.root / "forecasts.duckdb"
