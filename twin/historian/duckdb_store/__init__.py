"""The embedded historian: one DuckDB file."""

from twin.historian.duckdb_store.file import SCHEMA_VERSION
from twin.historian.duckdb_store.historian import DuckDBHistorian

__all__ = ["SCHEMA_VERSION", "DuckDBHistorian"]
