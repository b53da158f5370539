"""The Python of the pages on alarms runs as it stands there, against a PLC."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

from asyncua import ua
from test_alarms import Listener, rig

PAGE = Path(__file__).parents[2] / "docs/how-to/work-with-alarms.md"


async def _run(code: str, names: dict[str, Any]) -> None:
    compiled = compile(code, PAGE.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    answer = eval(compiled, names)  # noqa: S307 - it is our own page
    if inspect.isawaitable(answer):
        await answer


async def test_an_alarm_is_heard_of_refreshed_and_acknowledged_as_the_page_says(tmp_path) -> None:
    hear, acknowledge = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    async with rig(tmp_path / "pki") as here:
        await here.command("A01", "ABORT")
        handler = Listener()
        names = {"client": here.client, "handler": handler, "ua": ua}
        await _run(hear, names)
        await handler.until(lambda: handler.refreshed == 1)
        event = handler.latest["A01", "EQP1"]
        assert not getattr(event, "AckedState/Id")
        await _run(acknowledge, names | {"event": event})
        await handler.until(lambda: getattr(handler.latest["A01", "EQP1"], "AckedState/Id"))
        assert handler.latest["A01", "EQP1"].Comment.Text == "seen"
