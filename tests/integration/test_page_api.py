"""The page's API, asked whatever its own description allows and much that it doesn't."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from page_rig import HOUR, T0, page_rig
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance

KNOWN = {"line_id": "MADE", "station_id": "CUT"}
NEVER_ENDS = "/api/v1/stream"
CHECKS = (not_a_server_error, response_schema_conformance)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with page_rig(tmp_path_factory.mktemp("page")) as rig:
        for minute in range(10):
            rig.made.say("CUT01", "state_current", 6 if minute % 2 else 9, T0 + minute * HOUR // 60)
            rig.made.say("CUT01", "alarm.EQP001", minute % 2, T0 + minute * HOUR // 60)
        yield rig.url


@pytest.mark.parametrize(
    "examples", [8, pytest.param(200, marks=pytest.mark.nightly)], ids="{} of each".format
)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_asked_of_the_api_it_answers_without_a_fault(
    url: str, mode: GenerationMode, examples: int
) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    csrf = httpx.get(f"{url}/api/v1/me").json()["csrf"]
    answered = {
        f"{one.method} {one.path}": answers_of(one, mode, examples, url, csrf)
        for one in (found.ok() for found in schema.exclude(path=NEVER_ENDS).get_all_operations())
    }
    assert len(answered) >= 15
    asked = {of for of, codes in answered.items() if codes}
    assert len(asked) >= 5
    if mode is GenerationMode.POSITIVE:
        assert asked == answered.keys()
        of_a_line = {of: codes for of, codes in answered.items() if "{line_id}" in of}
        assert {200} < {code for codes in of_a_line.values() for code in codes}


def answers_of(
    operation: Any, mode: GenerationMode, examples: int, url: str, csrf: str
) -> set[int]:
    """Ask a route again and again; the statuses that came back."""
    seen: set[int] = set()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.path_parameters = {
                name: KNOWN.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        answer = case.call(base_url=url, headers={"X-CSRF-Token": csrf})
        case.validate_response(answer, checks=CHECKS)
        seen.add(answer.status_code)

    # A route that takes nothing can't be asked wrongly.
    with suppress(Unsatisfiable):
        ask()
    return seen
