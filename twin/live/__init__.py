"""The live twin: what the plant reports, kept up to date. It knows only what it is told."""
