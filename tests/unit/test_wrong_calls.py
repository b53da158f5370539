"""All that is wrong with a call is told at once, options that no number fits among it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from twin.cli.app import app
from twin.cli.faults import GatheredCommand
from twin.errors import UsageError

NEEDED = {"over": "buffers.B1.capacity=1..2", "until": "1 h", "at": "1 h", "out": "x.json"}


def _gathered() -> dict[str, Any]:
    found = {}
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        for own, each in getattr(command, "commands", {"": command}).items():
            if isinstance(each, GatheredCommand):
                found[f"{name} {own}".strip()] = each
    return found


GATHERED = _gathered()


def refusal(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert isinstance(done.exception, UsageError), (done.exception, done.output)
    return str(done.exception)


def test_the_commands_that_gather_are_there() -> None:
    asked = "whatif compare search bottleneck forecast supply simulate".split()  # noqa: SIM905
    assert {*asked, "trace record"} <= set(GATHERED)


@pytest.mark.parametrize("name", GATHERED)
def test_every_number_that_is_none_is_told_with_the_others(name: str) -> None:
    """Nothing is run, and no fault hides another: a time without a unit and an unknown line too."""
    command = GATHERED[name]
    words = [*name.split(), "no-such-line"]
    if name == "compare":
        words.append("scenarios.yaml")
    said = []
    for one in command.params:
        if one.param_type_name != "option":
            continue
        if one.metavar == "NUMBER" or "|" in (one.metavar or ""):
            words += [one.opts[0], "many"]
            said.append(rf"^{one.opts[0]} must be .*, got 'many'$")
        elif one.required:
            words += [one.opts[0], NEEDED[one.name]]
    assert len(said) >= 2
    told = refusal(*words)
    assert re.match(r"\d+ things are wrong:\n", told)
    for pattern in [*said, "no-such-line"]:
        assert re.search(pattern, told, re.MULTILINE), (pattern, told)
    assert int(told.split()[0]) == len(told.splitlines()) - 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("whatif five_stations --seed x --span 8 --precision 2 --figure x --set a=1",
         ["--seed must", "--span must", "--precision must", "--figure must", "a"]),
        ("simulate five_stations --replications 0 --warmup 5 --until 0 --days 1",
         ["--replications must", "--warmup must", "give --days or --until"]),
        ("forecast five_stations --target x --age 5 --until 0s --unknown M9=1h --live --keep",
         ["--target must", "--age must", "--until must be greater", "--unknown must name",
          "--keep is for --from"]),
        ("supply tube_line --days 0 --scenario x --set y",
         ["--days must", "--scenario: must", "must be PATH=VALUE"]),
        ("trace five_stations --until 5 --replication -1 --start none.json",
         ["--until must", "--replication must", "none.json"]),
        ("search five_stations --over x=1..2 --over buffers.B1.capacity=2..1 --budget x",
         ["--over x", "--over must give", "--budget must"]),
        ("bottleneck five_stations --top -1 --from empty --time 5 --jobs 0",
         ["--top must", "--from must", "--time must", "--jobs must"]),
    ],
)  # fmt: skip
def test_faults_of_all_kinds_are_told_together(words: str, said: list[str]) -> None:
    told = refusal(*words.split())
    for part in said:
        assert part in told, told
    assert len(told.splitlines()) >= 1 + len(said)


def test_what_is_missing_is_told_with_what_is_wrong() -> None:
    told = refusal("whatif", "--seed", "x")
    assert "--seed must be a whole number" in told
    assert "Missing argument" in told
    assert "twin whatif --help" in told


def test_the_faults_of_one_call_are_not_told_to_the_next() -> None:
    refusal("whatif", "five_stations", "--seed", "x", "--span", "8")
    assert "--seed" not in refusal("whatif", "five_stations", "--span", "8")
