"""Faults of emulated PLCs: what they are, what they do, how they are switched."""
