"""linetwin: a digital twin of a production line, from one line file."""
