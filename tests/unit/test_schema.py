"""The generated schema and reference are current, and say what the loader does."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from marked_text import unmarked
from test_loader import FIELD, GOOD, with_station

from lines import reference, schema
from lines.descriptions import meanings
from lines.loader import packaged
from lines.shape import fields_of, models_in
from lines.yaml_tree import plain, read_tree
from twin.model.base import Frozen
from twin.model.line import Line

VALIDATOR = Draft202012Validator(schema.line_schema())


def as_json(text: str) -> Any:
    """Return a YAML text as JSON's types."""

    def listed(value: Any) -> Any:
        if isinstance(value, tuple):
            return [listed(item) for item in value]
        if isinstance(value, dict):
            return {key: listed(item) for key, item in value.items()}
        return value

    return listed(plain(read_tree(text)[0]))


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema.line_schema())


def test_the_committed_schema_is_current() -> None:
    """If this fails: `python -m lines.schema`."""
    assert schema.PATH.read_text(encoding="utf-8") == schema.schema_text()


def test_the_committed_reference_is_current(request: pytest.FixtureRequest) -> None:
    """If this fails: `python -m lines.reference`."""
    page = request.config.rootpath / reference.PATH
    assert page.read_text(encoding="utf-8") == reference.reference_text()


@pytest.mark.parametrize("name", sorted(packaged()))
def test_every_packaged_line_is_valid(name: str) -> None:
    document = as_json(packaged()[name].read_text(encoding="utf-8"))
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize(
    "change",
    [
        ("id: L", "id: {value: L, note: x}"),
        ("{value: 75.5 s, source: PAPER, note: table 3}", "75.5 s"),
        ("{value: 75.5 s, source: PAPER, note: table 3}", "{mean: 75.5 s}"),
        ("takes: {value: 2, source: assumption}", "takes: {AB: 2, source: assumption}"),
        ("takes: {value: 2, source: assumption}", "takes: {AB: {value: 2, source: assumption}}"),
        ("name: {en: Second, zh: 第二}", "name: Second"),
        ("name: {en: Second, zh: 第二}", "name: {en: Second, source: seed}"),
        ("to: B", "to: [B]"),
        ("to: B", "to: [{value: B, source: seed}]"),
        ("linetwin: 1", "linetwin: 1\nsource: seed"),
        ("capacity: 4", "capacity: {value: 4, source: seed}, share: 100 %"),
        ("linetwin: 1", "linetwin: 1\nname: ~"),
    ],
)
def test_what_the_loader_takes_is_valid(change: tuple[str, str]) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    assert [error.message for error in VALIDATOR.iter_errors(as_json(text))] == []


ONLY_THE_LOADER = ("low <= mode", "cv or sigma", "nominal value", "finite", "0 % to 100 %")
"""Rules between values, and about the number in a text, which a schema does not state."""
STATED = [text for text, said in FIELD if not any(rule in said for rule in ONLY_THE_LOADER)]


@pytest.mark.parametrize("text", STATED)
def test_a_field_that_the_loader_refuses_is_not_valid(text: str) -> None:
    assert list(VALIDATOR.iter_errors(as_json(unmarked(with_station(text)))))


@pytest.mark.parametrize("model", models_in(Line))
def test_every_field_has_a_meaning(model: type[Frozen]) -> None:
    assert [key for key in fields_of(model) if not meanings(model)[key]] == []
