"""What a line is: data, checked, with no clock and no behaviour."""

from twin.model.buffer import Buffer
from twin.model.line import Line
from twin.model.station import Station

__all__ = ["Buffer", "Line", "Station"]
