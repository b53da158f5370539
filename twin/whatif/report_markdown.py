"""An answer as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from twin.whatif.result import SavedAnswer
from twin.whatif.telling import (
    QUANTILE_HEADINGS,
    facts,
    headings,
    quantile_rows,
    rows,
    title,
    verdict,
)

__all__ = ["markdown_report", "plain", "table_row"]


def markdown_report(kept: SavedAnswer) -> str:
    """Write an answer as a page of Markdown.

    Args:
        kept: the answer.

    Returns:
        A heading, the table, what differs in each scenario, the verdicts, and how it was made.
    """
    answer = kept.answer()
    lines = [f"# {plain(title(kept, answer))}", ""]
    if kept.stopped_by in ("interrupted", "time"):
        lines += ["**The answer so far: less precise than asked for.**", ""]
    lines += [table_row(headings(answer)), "|---|" + "---:|" * (len(headings(answer)) - 1)]
    lines += [table_row(row.cells) for row in rows(answer)]
    lines += ["", "## Quantiles over replications, with their 95 % intervals", ""]
    lines += [table_row(QUANTILE_HEADINGS), "|---|---:|---:|---:|"]
    lines += [table_row(row) for row in quantile_rows(answer)]
    lines += ["", "## What is different", ""]
    for variant in answer.variants[1:]:
        lines.append(f"- **{plain(variant.name)}**")
        lines += [f"    - {plain(str(difference))}" for difference in variant.differences]
    lines += ["", "## What is sure", ""]
    lines += [f"- {plain(sentence)}" for sentence in verdict(answer)] or ["- nothing is compared"]
    lines += ["", "## How it was made", ""]
    lines += [f"- {name}: {plain(text)}" for name, text in facts(kept)]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """A text that Markdown leaves as it is."""
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def table_row(cells: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(plain(cell) for cell in cells)} |"
