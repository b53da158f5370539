"""Faults and the clock switched from outside, while a PLC is up: methods of the server, HTTP."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from contextlib import asynccontextmanager

import pytest
from asyncua import ua
from fault_rig import LINE

from opcua.clock import WallClock
from opcua.connect import close, connect
from opcua.emulated_plc import serve_line
from opcua.faults.control import control_over_http
from twin.engine.plant import SimulatedPlant
from twin.errors import UsageError


def ask(url: str, method: str = "GET", words: object = None, **headers: str) -> tuple[int, dict]:
    body = None if words is None else json.dumps(words).encode()
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@asynccontextmanager
async def served_line(**more):
    clock = WallClock(0)
    async with serve_line(SimulatedPlant(LINE), clock, None, **more) as served:
        yield served, clock


async def test_faults_by_http_are_begun_shown_and_ended() -> None:
    async with served_line() as (served, clock):
        with control_over_http(served.faults, clock) as port:
            url = f"http://127.0.0.1:{port}"

            async def http(*args, **more):
                return await asyncio.to_thread(ask, *args, **more)

            order = {"fault": "cable_cut", "how": "black_hole", "for": "30 s"}
            assert await http(f"{url}/faults", "POST", order) == (200, {"number": 1})
            assert served.plcs[0].wire.cut == "black_hole"
            code, told = await http(f"{url}/faults")
            assert (code, told["active"]["1"]["how"]) == (200, "black_hole")
            assert await http(f"{url}/faults", "POST", {"fault": "noise", "after": "1 h"}) == (
                200,
                {"number": 2},
            )
            code, told = await http(f"{url}/faults/1", "DELETE")
            assert (told["active"], list(told["waiting"])) == ({}, ["2"])
            assert served.plcs[0].wire.cut == ""
            assert await http(f"{url}/faults", "DELETE") == (200, {"active": {}, "waiting": {}})


async def test_the_clock_by_http_stands_steps_and_speeds_up() -> None:
    async with served_line() as (served, clock):
        with control_over_http(served.faults, clock) as port:
            url = f"http://127.0.0.1:{port}/clock"

            async def post(words: dict) -> tuple[int, dict]:
                return await asyncio.to_thread(ask, url, "POST", words)

            _, stood = await post({"paused": True})
            _, stepped = await post({"step_s": 3600})
            assert stepped["now_us"] - stood["now_us"] == 3_600_000_000
            _, fast = await post({"speed": 100, "paused": False})
            assert (fast["speed"], fast["paused"], clock.speed) == (100, False, 100)
            for wrong in ({"speed": 0}, {"step_s": -1}, {"paused": 1}, {"pace": 3}, {"speed": "x"}):
                code, said = await post(wrong)
                assert code == 400
                assert next(iter(wrong)) in said["error"]


async def test_http_refuses_what_is_wrong_or_comes_from_elsewhere() -> None:
    async with served_line() as (served, clock):
        with control_over_http(served.faults, clock) as port:
            url = f"http://127.0.0.1:{port}"

            async def code(*args, **more) -> int:
                return (await asyncio.to_thread(ask, *args, **more))[0]

            assert await code(f"{url}/elsewhere") == 404
            assert await code(f"{url}/faults/x", "DELETE") == 404
            assert await code(f"{url}/faults", "POST", [1]) == 400
            assert await code(f"{url}/faults", "POST", {"fault": "nonsense"}) == 400
            assert await code(f"{url}/faults", "POST", {}, **{"Content-Type": "text/plain"}) == 415
            assert await code(f"{url}/faults", Host="evil.example:80") == 403
            assert served.faults.active == {}
            with (
                pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 must be free"),
                control_over_http(served.faults, clock, port),
            ):
                pass


async def test_faults_by_methods_of_the_server_when_asked_for() -> None:
    async with served_line(test_methods=True) as (served, _):
        (url,) = served.endpoints.values()
        client = await connect(url, None)
        try:
            index = await client.get_namespace_index("urn:linetwin:ENTERPRISE:SITE:L1")
            faults = client.get_node(ua.NodeId(f"plc:{served.plcs[0].plc}/Faults", index))
            order = json.dumps({"fault": "frozen_value", "units": ["A01"]})
            number = await faults.call_method(f"{index}:Begin", order)
            assert served.faults.active[number].kind == "frozen_value"
            await faults.call_method(f"{index}:End", ua.Variant(number, ua.VariantType.Int32))
            assert served.faults.active == {}
            for wrong in ("{", "[]", '{"fault": "nonsense"}', '{"fault": ["x"]}'):
                with pytest.raises(ua.uaerrors.BadInvalidArgument):
                    await faults.call_method(f"{index}:Begin", wrong)
            await faults.call_method(f"{index}:Begin", '{"fault": "noise"}')
            await faults.call_method(f"{index}:Clear")
            assert served.faults.active == {}
        finally:
            await close(client, polite=True)


async def test_a_plc_that_nobody_asked_to_be_breakable_has_no_such_methods() -> None:
    async with served_line() as (served, _):
        (url,) = served.endpoints.values()
        client = await connect(url, None)
        try:
            index = await client.get_namespace_index("urn:linetwin:ENTERPRISE:SITE:L1")
            faults = client.get_node(ua.NodeId(f"plc:{served.plcs[0].plc}/Faults", index))
            with pytest.raises(ua.uaerrors.BadNodeIdUnknown):
                await faults.read_browse_name()
        finally:
            await close(client, polite=True)
