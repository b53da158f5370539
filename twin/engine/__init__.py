"""Engines: what gives a line behaviour. The rules are in `docs/explanation/semantics.md`."""
