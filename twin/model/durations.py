"""How long something takes: distributions, as data. `twin.engine.quantiles` draws from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from twin.errors import QuantityError
from twin.model.base import Frozen
from twin.model.quantity import PositiveMicros

__all__ = [
    "Constant",
    "Duration",
    "Empirical",
    "Erlang",
    "Exponential",
    "Gamma",
    "Lognormal",
    "Mix",
    "Normal",
    "Triangular",
    "Weibull",
]


class Constant(Frozen):
    """Always the same time; written as a plain time, `75.5 s`."""

    distribution: Literal["constant"] = "constant"
    mean_us: PositiveMicros = Field(alias="mean")


class Exponential(Frozen):
    """Without memory."""

    distribution: Literal["exponential"]
    mean_us: PositiveMicros = Field(alias="mean")


class Erlang(Frozen):
    """The sum of equal exponential times; CV^2 = 1/stages.

    Args:
        stages: how many.
    """

    distribution: Literal["erlang"]
    mean_us: PositiveMicros = Field(alias="mean")
    stages: int = Field(ge=1, le=1000)


class Gamma(Frozen):
    """Gamma, by its mean and coefficient of variation."""

    distribution: Literal["gamma"]
    mean_us: PositiveMicros = Field(alias="mean")
    cv: float = Field(gt=0.001, le=10)


class Lognormal(Frozen):
    """Lognormal by its mean and either `cv` or `sigma`.

    Args:
        cv: coefficient of variation: standard deviation over mean.
        sigma: standard deviation of the logarithm.
    """

    distribution: Literal["lognormal"]
    mean_us: PositiveMicros = Field(alias="mean")
    cv: float | None = Field(default=None, gt=0.001, le=10)
    sigma: float | None = Field(default=None, gt=0.001, le=2.2)

    @model_validator(mode="after")
    def _one_spread(self) -> Lognormal:
        if (self.cv is None) == (self.sigma is None):
            raise QuantityError("must have either cv or sigma")
        return self


class Normal(Frozen):
    """Normal, cut off below zero and scaled so that its mean stays what is written."""

    distribution: Literal["normal"]
    mean_us: PositiveMicros = Field(alias="mean")
    cv: float = Field(gt=0, le=0.33)


class Weibull(Frozen):
    """Weibull by its mean and shape.

    Args:
        shape: over 1, what it times wears out; under 1, it fails early or never.
    """

    distribution: Literal["weibull"]
    mean_us: PositiveMicros = Field(alias="mean")
    shape: float = Field(ge=0.2, le=20)


class Triangular(Frozen):
    """Between `low` and `high`, most often `mode`.

    Args:
        low_us: the shortest time.
        mode_us: the most frequent time.
        high_us: the longest time.
    """

    distribution: Literal["triangular"]
    low_us: PositiveMicros = Field(alias="low")
    mode_us: PositiveMicros = Field(alias="mode")
    high_us: PositiveMicros = Field(alias="high")

    @model_validator(mode="after")
    def _ordered(self) -> Triangular:
        if not (self.low_us <= self.mode_us <= self.high_us and self.low_us < self.high_us):
            raise QuantityError("must have low <= mode <= high and low < high")
        return self


class Empirical(Frozen):
    """Measured times, each as likely as the next, joined by straight lines in between.

    Args:
        values_us: the times, in any order.
    """

    distribution: Literal["empirical"]
    values_us: tuple[PositiveMicros, ...] = Field(alias="values", min_length=2, max_length=100_000)


class MixPart(Frozen):
    """One component of a mix and its weight.

    Args:
        weight: how often it is chosen, in proportion to the others' weights.
        duration: what is drawn then.
    """

    weight: float = Field(gt=0)
    duration: Duration


class Mix(Frozen):
    """One of several distributions, chosen by weight; as a short stop or a long one.

    Args:
        parts: the distributions and their weights.
    """

    distribution: Literal["mix"]
    parts: tuple[MixPart, ...] = Field(min_length=2, max_length=20)


def _plain_time_is_constant(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {"distribution": "constant", **raw} if set(raw) == {"mean"} else raw
    if isinstance(raw, Frozen):
        return raw
    return {"distribution": "constant", "mean": raw}


_Distribution = Annotated[
    Constant
    | Exponential
    | Erlang
    | Gamma
    | Lognormal
    | Normal
    | Weibull
    | Triangular
    | Empirical
    | Mix,
    Field(discriminator="distribution"),
]
Duration = Annotated[
    _Distribution,
    BeforeValidator(_plain_time_is_constant, json_schema_input_type=PositiveMicros | _Distribution),
    Field(description="a time, as '75.5 s', or a distribution"),
]
MixPart.model_rebuild()
