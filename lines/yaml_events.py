"""What a YAML text is made of, one event after the other. The only module that reads YAML.

Two parsers do it. libyaml's, through PyYAML, is thirty times as fast and reads every text that both
read alike; where it stumbles, or the two are known to differ, ruamel.yaml's decides, whose
complaints have the better places. `tests/property/test_yaml_parsers.py` holds them to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml
from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

__all__ = [
    "AliasEvent",
    "DocumentStartEvent",
    "Event",
    "MappingEndEvent",
    "MappingStartEvent",
    "MarkedYAMLError",
    "ReaderError",
    "ScalarEvent",
    "SequenceEndEvent",
    "SequenceStartEvent",
    "careful_events",
    "events_of",
    "quick_events",
]

Event: TypeAlias = Any
"""An event of either library, neither of which has types."""

AliasEvent = (yaml.AliasEvent, events.AliasEvent)
DocumentStartEvent = (yaml.DocumentStartEvent, events.DocumentStartEvent)
ScalarEvent = (yaml.ScalarEvent, events.ScalarEvent)
SequenceStartEvent = (yaml.SequenceStartEvent, events.SequenceStartEvent)
SequenceEndEvent = (yaml.SequenceEndEvent, events.SequenceEndEvent)
MappingStartEvent = (yaml.MappingStartEvent, events.MappingStartEvent)
MappingEndEvent = (yaml.MappingEndEvent, events.MappingEndEvent)

# Breaks of YAML 1.1 that 1.2 has not, a lone carriage return, tabs and byte order marks.
READ_DIFFERENTLY = re.compile("[\t\x85\u2028\u2029\ufeff]|\r(?!\n)")


def events_of(text: str) -> Iterator[Event]:
    """Yield a text's events.

    Raises:
        MarkedYAMLError, ReaderError: the text is no YAML.
        ValueError, ArithmeticError, LookupError, AttributeError, TypeError, AssertionError: the
            parser has slipped on an odd text, as on an escape beyond Unicode.
    """
    quick = quick_events(text)
    yield from careful_events(text) if quick is None else quick


def quick_events(text: str) -> list[Event] | None:
    """All events by libyaml; None where it is not there, or not to be relied on."""
    if not yaml.__with_libyaml__ or READ_DIFFERENTLY.search(text):
        return None
    try:
        found = list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError):
        return None
    # A text that is no mapping is a fault, and not worth a second opinion.
    is_mapping = len(found) > 2 and isinstance(found[2], yaml.MappingStartEvent)
    return found if is_mapping and not any(map(_is_odd, found)) else None


def _is_odd(event: Event) -> bool:
    """Whether the two parsers may say different things, or put it in different places."""
    if (
        isinstance(event, yaml.ScalarEvent)
        and (event.implicit[0] or event.style in {"|", ">"})
        and not event.value.strip()
    ):
        return True
    if isinstance(event, (yaml.DocumentStartEvent, yaml.DocumentEndEvent)):
        return bool(event.explicit)
    return getattr(event, "tag", None) is not None


def careful_events(text: str) -> Iterator[Event]:
    """Yield the events by ruamel.yaml's own parser; raises as `events_of`."""
    yield from YAML(typ="safe", pure=True).parse(text)
