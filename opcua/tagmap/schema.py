"""The JSON Schema of tag maps, for editors, and their reference page: made from the models.

`python -m opcua.tagmap.schema` writes both, to `opcua/tagmap/tags.schema.json` and to
`docs/reference/tag-map.md` of the checkout it is run in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lines.descriptions import about, meanings
from lines.reference import section
from lines.shape import models_in
from opcua.expression import FUNCTIONS
from opcua.tagmap.file import EXAMPLES
from opcua.tagmap.model import TagMapFile
from opcua.tagmap.units import CANONICAL
from opcua.unit_factors import UNIT_FACTORS
from twin.signals import BUFFER_SIGNALS, MACHINE_SIGNALS

__all__ = ["PAGE", "SCHEMA", "page_text", "schema_text"]

SCHEMA = Path(__file__).parent / "tags.schema.json"
PAGE = Path("docs/reference/tag-map.md")

_PREFACE = """\
# The tag map

*Made from the models by `python -m opcua.tagmap.schema`; change their docstrings instead of this
page.*

A tag map says where a line's signals are on the PLCs of a plant. `opcua/tagmap/tags.schema.json`
tells an editor the same; `opcua/tagmap/examples` has maps for an S7-1500, TwinCAT and CODESYS. The
file is refused with every fault at once, each with its line and column.

```yaml
{example}```

## Signals

Besides the names of the first column, `good` is what a machine made well: with `scrap` and
`rework`, if they are mapped, it makes `processed`. `alarm_word` is a whole number whose bits are
alarms. `variable.ID` and `alarm.ID` are those of the line file, `variable.*` all of them.

| in a map | signal | unit | means |
|---|---|---|---|
{signals}

## Expressions

Numbers, the names of `inputs`, `+ - * / // %`, `& | ^ >>`, comparisons, `and`, `or`, `not`,
`A if C else B`, and the functions {functions}. Nothing else: no attributes, no indexes, no texts,
no powers.

## Units

{units}

"""


def page_text() -> str:
    """Return the reference page."""
    short = {name: key for key, name in CANONICAL.items()}
    signals = (*MACHINE_SIGNALS, *BUFFER_SIGNALS)
    rows = [
        f"| `{short.get(s.name, s.name)}` | `{s.name}` | {s.unit} | {s.text.en} |" for s in signals
    ]
    units = "; ".join(
        f"{quantity}: {', '.join(f'`{unit}`' for unit in factors)}"
        for quantity, factors in UNIT_FACTORS.items()
    )
    preface = _PREFACE.format(
        example=(EXAMPLES / "s7-1500.yaml").read_text(encoding="utf-8"),
        signals="\n".join(rows),
        functions=", ".join(f"`{name}`" for name in FUNCTIONS),
        units=units,
    )
    return preface + "\n".join(section(model) for model in models_in(TagMapFile))


def schema_text() -> str:
    """Return the schema as it is committed.

    >>> sorted(json.loads(schema_text())["required"])
    ['line', 'plcs']
    """
    schema: dict[str, Any] = TagMapFile.model_json_schema(by_alias=True)
    for model in models_in(TagMapFile):
        part = schema if model is TagMapFile else schema["$defs"][model.__name__]
        part["description"] = about(model)
        for key, meaning in meanings(model).items():
            part["properties"][key]["description"] = meaning
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Tag map of linetwin",
    }
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page_text(), encoding="utf-8")
