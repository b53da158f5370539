"""The command `twin`: one module a command; the only place that knows every other part."""
