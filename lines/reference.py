"""The reference of the line file, made from the models.

`python -m lines.reference` writes it to `docs/reference/line-file.md` of the checkout it is run
in.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, get_args, get_origin

from lines.descriptions import about, meanings
from lines.shape import Field, by_tag, described_as, fields_of, members, models_in, without_none
from lines.wording import type_in_words
from twin.model.base import FileText, Frozen, Id, Text
from twin.model.checks import CHECKS
from twin.model.durations import Duration
from twin.model.line import Line
from twin.model.quantity import ENERGY_KWH, POWER_KW, RATE_PER_H, TIME_US

__all__ = ["PATH", "reference_text", "section"]

PATH = Path("docs/reference/line-file.md")

BOUNDS = {
    "ge": "at least",
    "gt": "over",
    "le": "at most",
    "lt": "under",
    "min_length": "at least",
    "max_length": "at most",
}

PREFACE = """\
# The line file

*Made from the models by `python -m lines.reference`; change their docstrings instead of this page.*

A line is one YAML file, as this one:

```yaml
{example}```

The file is refused with every fault at once, each with its line and column, and nothing in it is
guessed: an unknown key is a fault, `"3"` is no number, and a time has a unit.
`lines/line.schema.json` tells the same to an editor.

## Values
| written | is |
|---|---|
| a time | a number and one of {times}; kept as whole microseconds |
| an energy, a power | with one of {energies}; {powers} |
| a rate | with one of {rates} |
| a probability | from 0 to 1, or with `%` or `ppm` |
| a number of parts | from 1 to 1,000,000, with up to 3 decimals |
| a name | letters, digits, `-` and `_`, at most 32, a letter first |
| a text for people | a text for both languages, or `{{en: ..., zh: ...}}` |

YAML is read as version 1.2: `no` and `on` are texts. A value may have an anchor and be repeated by
an alias; mappings can't be merged, tags are refused, and a file has at most 5 MB.

## Sources
Any mapping may carry `source` and `note`. A source is `seed`, `assumption`, `history` (what `twin
calibrate` has fitted), or keys of the file's `sources`, joined with ` + `. What holds nothing else
but a `value` is that value:

```yaml
cycle_time: {{value: 75.5 s, source: PAPER2024, note: table 3}}
cycle_time: {{distribution: lognormal, mean: 75.5 s, cv: 0.03, source: PAPER2024 + assumption}}
```

A source on a whole station holds for whatever in it has none of its own.

## Rules between values
{rules}
"""


def reference_text() -> str:
    """Return the page."""
    example = (Path(__file__).parent / "examples/five_stations.yaml").read_text(encoding="utf-8")
    parts = [
        PREFACE.format(
            example=example,
            times=_listed(TIME_US),
            energies=_listed(ENERGY_KWH),
            powers=_listed(POWER_KW),
            rates=_listed(RATE_PER_H),
            rules="\n".join(f"- {inspect.getdoc(check)}" for check in CHECKS),
        )
    ]
    distributions = by_tag(Duration)
    others = [
        model for model in models_in(Line) if model not in distributions.values() and model != Text
    ]
    parts += [section(model) for model in others]
    parts.append("## Distributions\nA plain time is always the same time.\n")
    parts += [section(model, tag) for tag, model in distributions.items()]
    return "\n".join(parts)


def _listed(units: dict[str, Any]) -> str:
    return ", ".join(f"`{unit}`" for unit in units)


def section(model: type[Frozen], tag: str = "") -> str:
    """Return what the page says of one model: its meaning, and a row for each key.

    Args:
        model: of a file.
        tag: where it is one of several distributions, which.
    """
    title = f"### `distribution: {tag}`" if tag else f"## {_title(model)}"
    rows = [
        f"| `{key}` | {_type(field)} | {_default(field)} | {_cell(meanings(model)[key])} |"
        for key, field in fields_of(model).items()
        if not (tag and key == "distribution")
    ]
    head = ["| key | is | if absent | means |", "|---|---|---|---|"]
    return "\n".join([title, about(model), "", *head, *rows, ""])


def _title(model: type[Frozen]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__).capitalize()


def _link(model: type[Frozen]) -> str:
    title = _title(model)
    return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"


def _type(field: Field) -> str:
    bounds = [
        f"{words} {_number(getattr(one, name))}"
        for one in field.info.metadata
        for name, words in BOUNDS.items()
        if getattr(one, name, None) is not None and field.annotation is not str
    ]
    bounded = f", {' and '.join(bounds)}" if bounds else ""
    return _cell(_kind(field.annotation)) + bounded


def _number(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:g}"


def _kind(annotation: Any) -> str:
    if without_none(annotation) == Id:
        return "a name"
    if without_none(annotation) == FileText:
        return "a text for people"
    if annotation == Duration:
        return "a time or a [distribution](#distributions)"
    one = members(annotation)[0]
    if not described_as(annotation):
        if get_origin(one) is tuple:
            return f"a list, each {_kind(get_args(one)[0])}"
        if get_origin(one) is dict:
            return f"by name, each {_kind(get_args(one)[1])}"
        if isinstance(one, type) and issubclass(one, Frozen):
            return _link(one)
    return type_in_words(annotation)


def _default(field: Field) -> str:
    info = field.info
    if info.is_required():
        return "**required**"
    default = info.get_default(call_default_factory=True)
    if default is None or default in ((), {}):
        return ""
    if isinstance(default, Frozen):
        return default.en if isinstance(default, Text) else ""
    if isinstance(default, bool):
        return str(default).lower()
    return _number(default) if isinstance(default, float) else str(default)


def _cell(text: str) -> str:
    return text.removesuffix(".").replace("|", "\\|")


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(reference_text(), encoding="utf-8")
