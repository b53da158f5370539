"""An answer on the screen and in files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich import box
from rich.table import Table

from twin.cli.screen import STDERR, STDOUT, print_json, print_table
from twin.errors import LinetwinError, UsageError
from twin.whatif.figures import FIGURES, figure_number
from twin.whatif.report_html import html_report
from twin.whatif.report_markdown import markdown_report
from twin.whatif.result import SavedAnswer
from twin.whatif.search import Found
from twin.whatif.telling import facts, headings, rows, title, verdict

__all__ = ["check_files", "show_answer", "show_race", "write_files"]

REPORTS = {".html": html_report, ".md": markdown_report}
LISTED = 12


def check_files(out: Path | None, reports: list[Path]) -> None:
    """Refuse files that can't be written, before the work and not after it.

    Raises:
        UsageError: a report of an unknown kind, or a folder that is not there.
    """
    faults = [
        f"--report must end in .html or .md, got {str(report)!r}"
        for report in reports
        if report.suffix not in REPORTS
    ]
    for file in [*([out] if out else []), *reports]:
        if file.is_dir():
            faults.append(f"can't write {str(file)!r}: must be a file, and it is a folder")
        elif not file.absolute().parent.is_dir():
            folder = str(file.absolute().parent)
            faults.append(
                f"can't write {str(file)!r}: there is no folder {folder!r}; make it first"
            )
    if faults:
        raise UsageError("\n".join(faults))


def write_files(texts: Mapping[Path, str]) -> None:
    """Write files, and say so.

    Raises:
        LinetwinError: one can't be written.
    """
    for file, text in texts.items():
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise LinetwinError(f"can't write {file}: {error.strerror}") from None
        STDERR.print(f"written: {file}", highlight=False, soft_wrap=True, markup=False)


def show_answer(kept: SavedAnswer, out: Path | None, reports: list[Path], as_json: bool) -> None:
    """Print an answer, and write the files that were asked for."""
    texts = {report: REPORTS[report.suffix](kept) for report in reports}
    write_files({**({out: kept.to_json()} if out else {}), **texts})
    if as_json:
        print_json(kept.model_dump(mode="json", exclude={"line", "start"}))
        return
    answer = kept.answer()
    if kept.stopped_by in ("interrupted", "time"):
        STDOUT.print("The answer so far: less precise than asked for.", style="bold yellow")
    table = Table(title=title(kept, answer), box=box.SIMPLE, padding=(0, 1, 0, 0))
    told = rows(answer)
    fitting = _columns_that_fit([headings(answer), *(row.cells for row in told)])
    for number, heading in enumerate(headings(answer)[:fitting]):
        table.add_column(heading, justify="right" if number else "left", no_wrap=number > 0)
    for row in told:
        style = None if row.sure is None else "bold" if row.sure else "dim"
        table.add_row(*row.cells[:fitting], style=style)
    print_table(table)
    for variant in answer.variants[1:]:
        said = [str(difference) for difference in variant.differences]
        more = f"; and {len(said) - LISTED} more" if len(said) > LISTED else ""
        _say(f"{variant.name}: {'; '.join(said[:LISTED])}{more}")
    _say("", *verdict(answer), "")
    for name, text in facts(kept):
        _say(f"{name:<14}{text}")


def _columns_that_fit(table: list[tuple[str, ...]]) -> int:
    """How many columns from the left a terminal has room for, and at least the first four."""
    if not STDOUT.is_terminal:
        return len(table[0])
    used, widths = 2, [max(map(len, column)) + 2 for column in zip(*table, strict=True)]
    for number, width in enumerate(widths):
        used += width
        if used > STDOUT.width and number >= 4:
            return number
    return len(widths)


def _say(*lines: str) -> None:
    for line in lines:
        STDOUT.print(line, highlight=False, soft_wrap=True, markup=False)


def show_race(found: Found, figure: str) -> None:
    """Print the best of a race, and how sure it is."""
    shown = FIGURES[figure_number(figure)]
    race = found.race
    table = Table(title="The best choices", box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("choice")
    for heading in ("cost", "mean", "replications"):
        table.add_column(heading, justify="right", no_wrap=True)
    sign = 1 if shown.more_is_better else -1
    order = sorted(
        range(len(found.variants)), key=lambda i: (i != race.best, -sign * race.means[i])
    )
    for i in order[:LISTED]:
        table.add_row(
            found.variants[i].name,
            f"{found.costs[i]:,g}",
            f"{race.means[i] * shown.scale:,.{shown.digits}f}",
            f"{race.replications[i]:,}",
            style="bold" if i == race.best else None,
        )
    print_table(table)
    within = f"within {race.indifference * shown.scale:,.{shown.digits + 1}f}"
    sure = (
        f"With probability {race.probability:g} or more it is the best, or {within} of it"
        if race.proved
        else f"Not proved: the limit of replications came first; more than {within} may be missed"
    )
    of = f"all {found.affordable:,}" if found.tried == found.affordable else (
        f"the best twenty of {found.tried:,} tried, of {found.affordable:,} affordable choices"
    )  # fmt: skip
    STDOUT.print(
        f"{sure}, among {of}; {sum(race.replications):,} replications in all.\n",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip
