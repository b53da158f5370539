"""Where text goes: tables on stdout, progress and notices on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from twin.cli.interrupt import interruptible

__all__ = [
    "STDERR",
    "STDOUT",
    "plural",
    "print_columns",
    "print_json",
    "print_rows",
    "print_table",
    "progress_bar",
    "several",
]

STDOUT = Console()
STDERR = Console(stderr=True)

PAPER_WIDTH = 140


def several(count: int, noun: str) -> str:
    """Count things in words.

    >>> several(1, "PLC"), several(2, "PLC")
    ('1 PLC', '2 PLCs')
    """
    return f"{count:,} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Name more than one.

    >>> plural("cell"), plural("box")
    ('cells', 'boxes')
    """
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def print_table(table: Table) -> None:
    """Print a table; where no terminal limits the width, nothing is cut off to fit one."""
    if STDOUT.is_terminal or "COLUMNS" in os.environ:
        STDOUT.print(table)
    else:
        # Printing on the same console can make a table narrower, never wider.
        Console(width=PAPER_WIDTH).print(table)


def print_columns(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, texts: bool = False
) -> None:
    """Print rows under headings: the first column to the left, numbers in the others to the right.

    Args:
        title: above it.
        headings, rows: as many cells in each.
        texts: the other columns are texts and stand to the left too.
    """
    table = Table(title=title, box=box.SIMPLE, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place and not texts else "left")
    for row in rows:
        table.add_row(*row)
    print_table(table)


def print_rows(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a terminal; elsewhere a line a row with tabs, which no width folds."""
    if not STDOUT.is_terminal:
        for row in (titles, *rows):
            sys.stdout.write("\t".join(row) + "\n")
        return
    table = Table(box=None, pad_edge=False, show_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    STDOUT.print(table)


def print_json(value: object) -> None:
    """Print one JSON document to stdout; NaN has no JSON and becomes null."""
    sys.stdout.write(json.dumps(_without_nan(value), ensure_ascii=False, indent=2) + "\n")


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - that is what NaN is
        return None
    return value


@contextmanager
def progress_bar(text: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on stderr while a long job runs, if somebody is there to see it.

    Ctrl-C ends the job with what it was and how far it was.

    Args:
        text: what is being done, as `simulating TUBE1`.

    Yields:
        What to call with the share that is done, 0 to 1; from any thread.

    Raises:
        Interrupted: Ctrl-C has come.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    reached = 0.0
    with (
        interruptible(lambda: f"{text}, {reached:.0%} done") as stop_if_pressed,
        Progress(*columns, console=STDERR, transient=True, disable=not STDERR.is_terminal) as bar,
    ):
        task = bar.add_task(text, total=1.0)

        def show(done: float) -> None:
            nonlocal reached
            stop_if_pressed()
            reached = done
            bar.update(task, completed=done)

        yield show
