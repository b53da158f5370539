"""Line files: the packaged ones, and how any is read."""

from lines.loader import load, load_text

__all__ = ["load", "load_text"]
