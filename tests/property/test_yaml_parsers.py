"""The quick YAML parser says what the careful one says, of all that it is relied on for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lines import yaml_events
from lines.loader import packaged
from lines.yaml_events import Event, careful_events, quick_events
from lines.yaml_tree import Unreadable, read_tree

FILES = [path for path in packaged().values() if path.suffix == ".yaml"]
# fmt: off
PIECES = st.sampled_from([
    "- ", "a: ", "b", "c: d", "\n", "\n  ", "\n    ", "  ", '"', "'", "{", "}", "[", "]", ",", ", ",
    ": ", "# x", "&a ", "*a ", "!t ", "!!str ", "\\n", "\\/", "\\x41", "é", "线", "😀", "12:30",
    "1_000", "~", "<<: ", "@", "`", "-", "?", "? ", ":", "\\", "\r\n", "\t", "\r", "\x85", "\u2028",
    "\ufeff", "http://x:1", "a#b", "a: b: c", "[a: b]", "{a}", "{a: b, c}", "0o7", "''", '"a\n b"',
    "--- ", "---\n", "...\n", "%YAML 1.1\n", "%", ">\n", ">-\n", ">2\n", "|\n", "|-\n", "|+\n",
    "|2\n", "a: 1\n", "b: [1, 2]\n", "- {x: 1}\n", "key: 'it''s'\n",
])
# fmt: on
PARTS = st.lists(PIECES, max_size=16).map("".join)
TEXTS = st.one_of(PARTS, PARTS.map("key: ".__add__), PARTS.map("key:\n  ".__add__))


def said(event: Event) -> tuple[Any, ...]:
    """All of an event that the tree is made of."""
    known = (type(event).__name__, event.start_mark.line, event.start_mark.column)
    if "Document" in known[0] or "Stream" in known[0] or known[0].endswith("EndEvent"):
        return known[:1]
    implicit = bool(event.implicit[0]) if hasattr(event, "value") else None
    more = (getattr(event, name, None) for name in ("anchor", "tag", "value"))
    return (*known, *more, implicit)


def assert_alike(text: str) -> bool:
    quick = quick_events(text)
    if quick is None:
        return False
    assert list(map(said, quick)) == list(map(said, careful_events(text)))
    return True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_packaged_file_is_read_quickly_and_alike(path: Path) -> None:
    assert assert_alike(path.read_text(encoding="utf-8"))


@settings(max_examples=1_000)
@given(TEXTS)
@example(">\n# x\n\r")
@example("a: \nb: ")
@example("a:\r\n  - x\r\n")
@example("? ''")
@example("a: 1\n...\n...\n")
@example("key: >\n  \n    ")
def test_texts_of_yaml_pieces_are_read_alike(text: str) -> None:
    assert_alike(text)


@settings(max_examples=300)
@given(st.sampled_from(FILES), st.integers(0, 40_000), st.integers(0, 5), PIECES)
def test_files_with_a_slip_in_them_are_read_alike(
    path: Path, at: int, lost: int, slip: str
) -> None:
    text = path.read_text(encoding="utf-8")
    at %= len(text)
    near = text[max(0, at - 300) : at] + slip + text[at + lost : at + 300]
    assert_alike(near)


@settings(max_examples=300)
@given(TEXTS)
def test_faults_are_the_same_with_and_without_the_quick_parser(text: str) -> None:
    def read() -> Any:
        try:
            return read_tree(text)
        except Unreadable as error:
            return error.faults

    fast = read()
    with pytest.MonkeyPatch.context() as without:
        without.setattr(yaml_events, "quick_events", lambda _: None)
        assert read() == fast
