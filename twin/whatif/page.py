"""The frame of an HTML report: one file with its style inside, light and dark, printable."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

__all__ = ["page", "section"]

STYLE = Path(__file__).with_name("report.css")


def page(title: str, body: Iterable[str]) -> str:
    """Put a body of HTML into a page that needs nothing else: no script, no network."""
    name = escape(title)
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{name}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f"<h1>{name}</h1>"
    )
    return "".join([head, *body, "</body></html>\n"])


def section(heading: str, body: str) -> str:
    """A section with its heading."""
    return f"<section><h2>{escape(heading)}</h2>{body}</section>"
