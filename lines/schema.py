"""The JSON Schema of line files, for editors: made from the models, as the loader reads them.

`python -m lines.schema` writes it to `lines/line.schema.json`. It knows what single values may
be; what must hold between them only the loader checks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lines.descriptions import about, meanings
from lines.shape import described_as, models_in
from twin.model.base import FileText, Frozen, Id
from twin.model.buffer import Ids
from twin.model.durations import Duration
from twin.model.line import Line
from twin.model.quantity import (
    Count,
    Energy,
    Micros,
    PositiveMicros,
    Power,
    Probability,
    Rate,
)

__all__ = ["PATH", "line_schema", "schema_text"]

PATH = Path(__file__).parent / "line.schema.json"

SOURCE = {
    "type": "string",
    "description": "where this comes from: seed, assumption, history or keys of sources, joined "
    "with ' + '",
}
NOTE = {"type": "string", "description": "what else there is to say"}
NULL = {"type": "null"}
NOTES = {"source": {"$ref": "#/$defs/source"}, "note": {"$ref": "#/$defs/note"}}

TYPES = {
    "Count": Count,
    "Duration": Duration,
    "Energy": Energy,
    "Name": Id,
    "PositiveTime": PositiveMicros,
    "Power": Power,
    "Probability": Probability,
    "Rate": Rate,
    "StationIds": Ids,
    "Time": Micros,
    "Words": FileText,
}
SHARED = {described_as(annotation): name for name, annotation in TYPES.items()}
"""Types that get a definition of their own, by their descriptions."""

Json = dict[str, Any]


def line_schema() -> Json:
    """Return the schema.

    Wherever a value may stand, `{value: ..., source: ..., note: ...}` may stand too, and any
    mapping may carry `source` and `note`.

    >>> sorted(line_schema()["required"])
    ['id', 'stations']
    """
    schema = Line.model_json_schema(by_alias=True)
    models = schema.pop("$defs")
    models.pop("Provenance")
    schema["properties"].pop("provenance")
    models["Text"]["required"] = ["en"]
    shared: Json = {}
    models = {name: _tidy(one, shared) for name, one in models.items()}
    schema = _tidy(schema, shared)
    for model in models_in(Line):
        _describe(schema if model is Line else models[model.__name__], model)
    sources = schema["properties"].pop("sources")
    noted = {name: one if name == "Source" else _with_notes(one) for name, one in models.items()}
    for name, one in shared.items():
        noted[name] = _with_notes(one)
        noted[f"Noted{name}"] = _either({"$ref": f"#/$defs/{name}"})
    schema = _with_notes(schema)
    schema["properties"]["sources"] = sources  # the list of sources carries none itself
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Line file of linetwin",
        "$defs": noted | {"source": SOURCE, "note": NOTE},
    }


def schema_text() -> str:
    """Return the schema as it is committed."""
    return json.dumps(line_schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _describe(schema: Json, model: type[Frozen]) -> None:
    schema["description"] = about(model)
    for key, meaning in meanings(model).items():
        schema["properties"][key]["description"] = meaning


def _tidy(schema: Any, shared: Json) -> Any:
    """Drop what helps nobody, and refer to shared types instead of repeating them."""
    if isinstance(schema, list):
        return [_tidy(one, shared) for one in schema]
    if not isinstance(schema, dict):
        return schema
    default = {"default": schema["default"]} if _as_in_a_file(schema) else {}
    plain = {key: one for key, one in schema.items() if key not in ("title", "default")}
    plain.pop("discriminator", None)
    if plain.get("description") in SHARED:
        name = SHARED[plain["description"]]
        if name not in shared:
            described = plain.pop("description")
            shared[name] = {"description": described, **_tidy(plain, shared)}
        return {"$ref": f"#/$defs/{name}", **default}
    for key, one in plain.items():
        if key == "properties":
            plain[key] = {k: _tidy(v, shared) for k, v in one.items()}
        elif key not in ("examples", "enum", "required"):
            plain[key] = _tidy(one, shared)
    return plain | default


def _as_in_a_file(schema: Json) -> bool:
    """Tell whether a default reads as a file would write it; times and the like do not."""
    default = schema.get("default")
    if isinstance(default, str):
        return True
    return isinstance(default, bool | int | float) and schema.get("type") != "string"


def _with_notes(schema: Json) -> Json:
    """Let each value inside a schema, and each mapping, carry a source and a note."""
    noted = dict(schema)
    for key in ("anyOf", "oneOf"):
        if key in noted:
            noted[key] = [_with_notes(one) for one in noted[key]]
    if isinstance(noted.get("items"), dict):
        noted["items"] = _or_noted(noted["items"])
    if noted.get("type") != "object":
        return noted
    if isinstance(noted.get("additionalProperties"), dict):
        noted["additionalProperties"] = _or_noted(noted["additionalProperties"])
    properties = {key: _or_noted(one) for key, one in noted.get("properties", {}).items()}
    noted["properties"] = {**properties, **NOTES}
    return noted


def _or_noted(schema: Json) -> Json:
    value = _with_notes(schema)
    described: Json = {key: value.pop(key) for key in ("description", "default") if key in value}
    name = _shared(value)
    if name is not None:
        return described | {"$ref": f"#/$defs/Noted{name}"}
    if value.keys() == {"anyOf"} and len(value["anyOf"]) == 2 and NULL in value["anyOf"]:
        (other,) = (one for one in value["anyOf"] if one != NULL)
        return described | {"anyOf": [*_alternatives(_or_noted(other)), NULL]}
    return described | _either(value)


def _shared(schema: Json) -> str | None:
    """Return the name of the shared type that a schema refers to."""
    _, _, name = schema.get("$ref", "").rpartition("/")
    return name if name in TYPES else None


def _either(value: Json) -> Json:
    noted = {
        "type": "object",
        "properties": {"value": value, **NOTES},
        "required": ["value"],
        "additionalProperties": False,
    }
    return {"anyOf": [*_alternatives(value), noted]}


def _alternatives(schema: Json) -> list[Json]:
    """Return the members of nested unions, to spare the reader one union in another."""
    if schema.keys() != {"anyOf"}:
        return [schema]
    return [inner for one in schema["anyOf"] for inner in _alternatives(one)]


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
