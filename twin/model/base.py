"""What every part of the model shares: frozen, strict, no unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)

__all__ = ["FROM_FILE", "FileText", "Frozen", "Id", "Text", "from_file"]

FROM_FILE = {"from_file": True}
"""Pydantic context for what a person wrote: `75` is no time there, it has to be `75 s`."""


def from_file(info: ValidationInfo) -> bool:
    """Tell whether what is being validated comes from a file and not from Python code."""
    return bool(info.context and info.context.get("from_file"))


class Frozen(BaseModel):
    """A value: never changes, takes no unknown key, converts nothing silently."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        allow_inf_nan=False,
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the value with some fields changed; as in pydantic the new ones are not checked."""
        copied = super().model_copy(update=update, deep=deep)
        # Pydantic copies what cached properties have stored, which the update may have made wrong.
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


Id = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"),
    Field(description="a name: letters, digits, '-' and '_', at most 32, a letter first"),
]


class Text(Frozen):
    """A text for people in English and Chinese.

    A plain string stands for both; `{en: ..., zh: ...}` gives each.

    Args:
        en: in English.
        zh: in Chinese; in a file, absent: as in English.

    >>> Text.of("Stacking").zh
    'Stacking'
    """

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    @classmethod
    def of(cls, en: str, zh: str | None = None) -> Text:
        """Make a text from its English and, where there is one, its Chinese."""
        return cls(en=en, zh=zh or en)


def _text_from_file(raw: Any) -> Any:
    if isinstance(raw, str):
        return {"en": raw, "zh": raw}
    if isinstance(raw, dict) and "zh" not in raw:
        # A wrong or missing `en` is one fault and not two.
        en = raw.get("en")
        return {**raw, "zh": en if isinstance(en, str) and en else "-"}
    return raw


FileText = Annotated[
    Text,
    BeforeValidator(_text_from_file, json_schema_input_type=str | Text),
    Field(description="a text, or its English and Chinese as {en: ..., zh: ...}"),
]
