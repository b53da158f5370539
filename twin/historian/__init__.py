"""History: the port and the stores behind it."""
