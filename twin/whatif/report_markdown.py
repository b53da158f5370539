"""An answer as Markdown."""

from __future__ import annotations

from twin.whatif.result import SavedAnswer
from twin.whatif.telling import (
    HEADINGS,
    QUANTILE_HEADINGS,
    facts,
    quantile_rows,
    rows,
    title,
    verdict,
)

__all__ = ["markdown_report"]


def markdown_report(kept: SavedAnswer) -> str:
    """Write an answer as a page of Markdown.

    Args:
        kept: the answer.

    Returns:
        A heading, the table, what differs in each scenario, the verdicts, and how it was made.
    """
    answer = kept.answer()
    lines = [f"# {_plain(title(kept, answer))}", ""]
    if kept.stopped_by in ("interrupted", "time"):
        lines += ["**The answer so far: less precise than asked for.**", ""]
    lines += [_table_row(HEADINGS), "|---|" + "---:|" * (len(HEADINGS) - 1)]
    lines += [_table_row(row.cells) for row in rows(answer)]
    lines += ["", "## Quantiles over replications, with their 95 % intervals", ""]
    lines += [_table_row(QUANTILE_HEADINGS), "|---|---:|---:|---:|"]
    lines += [_table_row(row) for row in quantile_rows(answer)]
    lines += ["", "## What is different", ""]
    for variant in answer.variants[1:]:
        lines.append(f"- **{_plain(variant.name)}**")
        lines += [f"    - {_plain(str(difference))}" for difference in variant.differences]
    lines += ["", "## What is sure", ""]
    lines += [f"- {_plain(sentence)}" for sentence in verdict(answer)] or ["- nothing is compared"]
    lines += ["", "## How it was made", ""]
    lines += [f"- {name}: {_plain(text)}" for name, text in facts(kept)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A text that Markdown leaves as it is."""
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def _table_row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"
