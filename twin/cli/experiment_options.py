"""The options that commands on what-if share, each described once, and in groups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

import typer

from twin.cli.numbers import number, one_of, whole
from twin.engine.simulation import EngineName
from twin.whatif.figures import FIGURES

__all__ = [
    "AsJson",
    "Cluster",
    "EngineOption",
    "FigureOption",
    "Indifference",
    "Jobs",
    "LimitOptions",
    "LineArgument",
    "Most",
    "OutFile",
    "OutputOptions",
    "Precision",
    "PrecisionOptions",
    "Probability",
    "RaceOptions",
    "Replications",
    "Reports",
    "RunOptions",
    "Seconds",
    "Seed",
    "Span",
    "StartOption",
    "WarmUpOption",
]

LineArgument = Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")]
Span = Annotated[
    str | None,
    typer.Option(help="Time that each replication counts. [7 d; with --start 8 h]"),
]
WarmUpOption = Annotated[
    str | None,
    typer.Option(
        "--warmup",
        help="Not counted at first: a time, or 'found'. \\[as the line file says, else found]",
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start", help="Begin in a state: 'empty', or a snapshot's file. \\[none: steady state]"
    ),
]
FigureOption = Annotated[
    str, typer.Option(help=f"What is compared: {', '.join(f.name for f in FIGURES)}.")
]
Precision = Annotated[
    str,
    typer.Option(
        help="Go on until the 95 % interval of each difference is ± this share of the baseline."
    ),
]
Replications = Annotated[
    int | None,
    typer.Option(
        parser=whole("--replications", 2, 1_000_000),
        metavar="NUMBER",
        help="Exactly so many, whatever the precision.",
    ),
]
Most = Annotated[
    int,
    typer.Option(
        parser=whole("--most", 20, 1_000_000),
        metavar="NUMBER",
        help="No more replications than this.",
    ),
]
Seconds = Annotated[
    str | None,
    typer.Option("--time", help="After so much time, as '60 s', the answer so far."),
]
Seed = Annotated[
    int,
    typer.Option(
        parser=whole("--seed", 0, 2**31 - 1),
        metavar="NUMBER",
        help="The same one, the same answer.",
    ),
]
EngineOption = Annotated[
    EngineName,
    typer.Option(
        parser=one_of("--engine", get_args(EngineName)),
        metavar="|".join(get_args(EngineName)),
        help="auto: the compiled one where it is installed.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        parser=whole("--jobs", 1, 4096),
        metavar="NUMBER",
        help="Replications at the same time. \\[processors]",
    ),
]
Cluster = Annotated[str | None, typer.Option(help="A Dask scheduler, as tcp://10.0.0.5:8786.")]
Indifference = Annotated[
    str, typer.Option(help="A difference that is not worth telling apart, of the baseline.")
]
Probability = Annotated[
    float,
    typer.Option(
        parser=number("--probability", 0.51, 0.999),
        metavar="NUMBER",
        help="Of a right choice of the best.",
    ),
]
OutFile = Annotated[
    Path | None, typer.Option(help="Keep the result, for 'twin whatif rerun'; a .json file.")
]
Reports = Annotated[
    list[Path] | None,
    typer.Option("--report", help="Write a report, .html or .md; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What is run, and who runs it."""

    span: Span = None
    warmup: WarmUpOption = None
    figure: FigureOption = "good_per_h"
    seed: Seed = 1
    engine: EngineOption = "auto"
    jobs: Jobs = None
    cluster: Cluster = None


@dataclass(frozen=True, slots=True)
class PrecisionOptions:
    """How sure an answer is to be, and how long that may take."""

    precision: Precision = "0.5%"
    most: Most = 400


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """What ends an experiment, whatever the precision."""

    replications: Replications = None
    seconds: Seconds = None


@dataclass(frozen=True, slots=True)
class RaceOptions:
    """How the best of many is found."""

    indifference: Indifference = "0.5%"
    probability: Probability = 0.95


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Where an answer goes."""

    out: OutFile = None
    reports: Reports = None
    as_json: AsJson = False
