"""Tag maps as people write them: what they come to, and every fault at its place."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lines.loader import load
from lines.yaml_tree import plain, read_tree
from opcua.security import make_pki
from opcua.tag_map import SERVER_TIME, Address
from opcua.tagmap import schema
from opcua.tagmap.access import access_to
from opcua.tagmap.file import EXAMPLES, load_tag_map, tag_map_from_text
from opcua.tagmap.model import Security
from opcua.wire_values import BASE, QName
from twin.errors import LineFileError, UsageError
from twin.model.line import Line
from twin.signals import tags

LINE = Line.model_validate(
    {
        "id": "L1",
        "plcs": ({"id": "PLC1"}, {"id": "PLC2"}),
        "stations": (
            {
                "id": "CUT",
                "machines": 12,
                "plc": "PLC1",
                "cycle_time": "2 s",
                "variables": (
                    {"id": "Temp", "unit": "degC", "nominal": 80.0, "low": 0.0, "high": 200.0},
                    {"id": "Speed", "unit": "m/min", "nominal": 9.0, "low": 0.0, "high": 60.0},
                ),
                "alarms": (
                    {"id": "EQP001", "category": "EQP", "severity": 700, "when": "fault"},
                    {"id": "PRC002", "category": "PRC", "severity": 300, "when": "Temp"},
                ),
            },
            {"id": "PACK", "plc": "PLC2", "cycle_time": "1 s"},
        ),
        "buffers": ({"id": "CUT-out", "from": "CUT", "to": "PACK", "capacity": 9, "lanes": 2},),
    }
)


FAULTS = """
6:19: names.CUTX: must be a unit or a station of this PLC, got CUTX; did you mean 'CUT'?
8:14: units[0].match: must match units of this PLC, got CUTT*; did you mean 'CUT-out'?
11:15: units[1].prefix: must have known placeholders, got {nit}; did you mean 'unit'?
15:16: units[2].signals.sttae: must be a signal of these units, got sttae; did you mean 'state'?
16:23: units[2].signals.state.node: must name its namespace by URI, as nsu=http://vendor/;s=State: an index changes, got ns=3;s=x
16:47: units[2].signals.state.values.1: must be one of PackML's names, got EXECUT; did you mean 'EXECUTE'?
16:58: units[2].signals.state.values.x: must be a number, or true or false, got x
17:37: units[2].signals.cycle_time.unit: must be a unit of time, as s, ms, us, min, h, got bar
18:34: units[2].signals.in.bits.99: must be the number of a bit, 0 to 63, got 99
19:43: units[2].signals.out.expression: must name its inputs, got b; known: a
20:46: units[2].signals.variable.Temp.moves_with: must be a signal of CUT01 that is mapped, got proccessed; did you mean 'processed'?
21:41: units[2].signals.alarm_word.bits.1: must be an alarm, got EQP01; did you mean 'EQP001'?
22:43: units[2].signals.scrap.namespace: must be known, got nope; name it under namespaces
23:24: units[2].signals.rework.path: must have known namespaces, got xx; name it under namespaces, got xx:A/B
25:15: units[2].commands.stop: must ask for a signal of CUT01 under when, got stat; did you mean 'state'?
"""  # noqa: E501


def text_of(units: str, **plc: str) -> str:
    keys = {"plc": "PLC1", "endpoint": "opc.tcp://10.0.0.1:4840", "namespace": "urn:vendor"} | plc
    head = "".join(f"    {key}: {value}\n" for key, value in keys.items()).lstrip()
    body = textwrap.indent(textwrap.dedent(units).strip("\n"), "    ")
    return f"line: L1\nplcs:\n  - {head}    units:\n{body}\n"


def nodes_of(units: str, **plc: str) -> dict[tuple[str, str], object]:
    (made,) = tag_map_from_text(text_of(units, **plc), LINE).map.plcs
    return {(node.unit, node.signal): node for node in made.nodes}


def faults_of(text: str) -> list[str]:
    with pytest.raises(LineFileError) as caught:
        tag_map_from_text(text, LINE)
    return [str(fault) for fault in caught.value.faults]


def test_one_entry_stands_for_all_machines_alike() -> None:
    nodes = nodes_of(
        """
        - match: CUT*
          prefix: '"DB_{name}"."M{n:02}".'
          signals:
            state: {node: '"iState"', values: {0: STOPPED, 1: EXECUTE}, otherwise: ABORTED}
            variable.*: '"r{id}"'
        """,
        names="{CUT: Schneiden}",
    )
    assert len(nodes) == 12 * 3
    assert nodes["CUT03", "state_current"].inputs == (
        Address("urn:vendor", 's="DB_Schneiden"."M03"."iState"'),
    )
    assert nodes["CUT12", "variable.Speed"].node == '"DB_Schneiden"."M12"."rSpeed"'
    assert nodes["CUT01", "state_current"].conversion.values == {0: 2, 1: 6}
    assert nodes["CUT01", "state_current"].conversion.otherwise == 9


def test_places_are_ids_and_paths_of_any_namespace() -> None:
    nodes = nodes_of(
        """
        - match: CUT01
          prefix: 'x.'
          signals:
            in: i=7
            scrap: nsu=urn:other/;s=Scrap
            out: {node: out, namespace: di}
        - match: CUT01
          signals:
            rework: {path: 'di:DeviceSet/0:PLC/a&/b/{unit}', namespace: di}
        """,
        namespaces="{di: 'urn:di'}",
    )
    assert nodes["CUT01", "consumed"].inputs == (Address("urn:vendor", "i=7"),)
    assert nodes["CUT01", "defective"].inputs == (Address("urn:other/", "s=Scrap"),)
    assert nodes["CUT01", "processed"].inputs == (Address("urn:di", "s=x.out"),)
    (path,) = nodes["CUT01", "reworked"].inputs
    assert path.path[1:] == (
        QName(BASE, "PLC"), QName("urn:di", "a/b"), QName("urn:di", "CUT01"),
    )  # fmt: skip


def test_units_ranges_words_and_sums() -> None:
    nodes = nodes_of(
        """
        - match: CUT*
          signals:
            cycle_time: {node: t, unit: ms}
            variable.Temp: {node: T, unit: degF, scale: 0.1}
            alarm_word: {node: w, bits: {0: EQP001, 5: PRC002}}
            good: {node: g, width: 16}
            scrap: {node: s, width: 16}
        - {match: "CUT-out-L*", signals: {level: {node: levels, pick: "[{i}]"}}}
        """.replace('pick: "[{i}]"', 'pick: "[1]"')
    )
    assert nodes["CUT01", "cycle_time_s"].conversion.scale == pytest.approx(0.001)
    temperature = nodes["CUT01", "variable.Temp"]
    assert temperature.conversion.scale * 2120 + temperature.conversion.offset == pytest.approx(100)
    # A thousandth of the range, 0.2 K, as the PLC counts: tenths of a degree Fahrenheit.
    assert temperature.deadband == pytest.approx(3.6)
    assert nodes["CUT02", "alarm.PRC002"].conversion.bit == 5
    assert len(nodes["CUT01", "processed"].inputs) == 2
    assert nodes["CUT01", "processed"].conversion.terms[0][1].wraps_at == 65_536
    assert nodes["CUT01", "defective"].conversion.wraps_at == 65_536
    assert nodes["CUT-out-L02", "level"].conversion.picks == ((1,),)


def test_a_pick_may_differ_from_unit_to_unit() -> None:
    nodes = nodes_of('- {match: "CUT-out-L*", signals: {level: {node: n, pick: "L[{i}].Count"}}}')
    picks = [nodes[f"CUT-out-L0{lane}", "level"].conversion.picks for lane in (1, 2)]
    assert picks == [(("L", 0, "Count"),), (("L", 1, "Count"),)]


def test_the_servers_clock_is_watched_where_nothing_else_is() -> None:
    plain = "- {match: CUT01, signals: {in: a}}"
    assert tag_map_from_text(text_of(plain), LINE).map.plcs[0].live == SERVER_TIME
    live = tag_map_from_text(text_of(plain, live="Beat"), LINE).map.plcs[0].live
    assert live == Address("urn:vendor", "s=Beat")


def test_an_expression_has_its_inputs() -> None:
    nodes = nodes_of(
        """
        - match: CUT01
          signals:
            state:
              inputs: {run: a, word: {node: b, pick: '[2]'}}
              expression: 1 if run else (2 if bit(word, 3) else 0)
              values: {0: IDLE, 1: EXECUTE, 2: ABORTED}
        """
    )
    assert nodes["CUT01", "state_current"].conversion.expression.names == ("run", "word")


def test_commands_are_written_out_for_each_unit() -> None:
    (plc,) = tag_map_from_text(
        text_of(
            """
            - match: CUT*
              prefix: '{unit}.'
              commands:
                stop: {node: Cmd, low: 1, high: 1, role: shift_lead, when: {state: [EXECUTE, 5]},
                       every: 30 s, read_back: State, type: Int16}
            """
        ),
        LINE,
    ).map.plcs
    assert len(plc.commands) == 12
    stop = plc.commands[2]
    assert (stop.unit, stop.address.node, stop.role) == ("CUT03", "s=CUT03.Cmd", "shift_lead")
    assert stop.when == (("state_current", (6.0, 5.0)),)
    assert stop.every_s == 30
    assert stop.read_back == Address("urn:vendor", "s=CUT03.State")


def test_every_fault_is_named_at_its_place() -> None:
    text = text_of(
        """
        - match: CUTT*
          signals: {in: a}
        - match: CUT*
          prefix: '{nit}'
          signals: {in: a}
        - match: CUT01
          signals:
            sttae: a
            state: {node: 'ns=3;s=x', values: {1: EXECUT, x: IDLE}}
            cycle_time: {node: t, unit: bar}
            in: {node: t, bits: {99: 1}}
            out: {inputs: {a: x}, expression: a + b}
            variable.Temp: {node: T, moves_with: proccessed}
            alarm_word: {node: w, bits: {1: EQP01}}
            scrap: {node: '{unit', namespace: nope}
            rework: {path: 'xx:A/B'}
          commands:
            stop: {node: a, low: 0, high: 1, role: r, when: {stat: [1]}}
        """,
        names="{CUTX: a}",
    )
    shown = [fault.removeprefix("tags.yaml:").replace("plcs[0].", "") for fault in faults_of(text)]
    assert shown == textwrap.dedent(FAULTS).strip().splitlines()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plcs: []", ["must have line", "must not be empty"]),
        ("line: L1\nplcs: [{plc: PLC1}]", ["must have endpoint", "must have namespace"]),
        (text_of("- {match: CUT01, signals: {in: {}}}"),
         ["must have one of node, path and inputs"]),
        (text_of("- {match: CUT01, signals: {in: {node: a, widht: 3}}}"),
         ["did you mean 'width'?"]),
        (text_of("- {match: CUT01, signals: {in: {node: a, width: 99}}}"), ["must be at most 64"]),
        (text_of("- {match: CUT01, signals: {in: {node: a, expression: a}}}"),
         ["must have inputs and expression together"]),
        (text_of("- {match: CUT01, signals: {in: a, consumed: b}}"), ["must map each signal"]),
        (text_of("- {match: PACK01, signals: {in: a}}"), ["must match units of this PLC"]),
        (text_of("- {match: CUT01, signals: {in: a}}", plc="PLC9"), ["must be a PLC of the line"]),
        (text_of("- {match: CUT01, signals: {in: a}}", endpoint="http://x"),
         ["must be as opc.tcp"]),
        (text_of("- {match: CUT01, signals: {in: a}}", endpoint="opc.tcp://a:b@x"),
         ["without a user"]),
        (text_of("- {match: CUT01, signals: {in: a}}", security="{user: me}"),
         ["must have password_env or password_file beside user"]),
        (text_of("- {match: CUT01, signals: {in: a}}", security="{password: secret}"),
         ["must be a known key"]),
        ("[1, 2]", ["must be a mapping, from 'tags: 1' on"]),
        ("line: L2\n" + text_of("- {match: CUT01, signals: {in: a}}").partition("\n")[2],
         ["must be L1, the line that it is used for, got L2"]),
    ],
)  # fmt: skip
def test_what_is_no_map_of_this_line_is_refused(text: str, says: list[str]) -> None:
    faults = faults_of(text)
    for one in says:
        assert any(one in fault for fault in faults), faults
    assert all(fault.startswith("tags.yaml:") for fault in faults)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_packaged_examples_map_every_tag_of_their_line(path) -> None:
    line = load("five_stations")
    (plc,) = load_tag_map(path, line).map.plcs
    mapped = {(node.unit, node.signal) for node in plc.nodes}
    assert mapped == {tag.key for tag in tags(line)}


def test_a_file_that_is_not_there_is_said(tmp_path) -> None:
    with pytest.raises(LineFileError, match="must be a tag map that can be read"):
        load_tag_map(tmp_path / "none.yaml", LINE)


def test_the_schema_and_the_page_are_those_of_the_models() -> None:
    root = Path(__file__).parents[2]
    assert schema.SCHEMA.read_text(encoding="utf-8") == schema.schema_text()
    assert (root / schema.PAGE).read_text(encoding="utf-8") == schema.page_text()


def test_the_schema_takes_what_the_reader_takes() -> None:
    validator = Draft202012Validator(json.loads(schema.schema_text()))
    for path in EXAMPLES.glob("*.yaml"):
        tree, _ = read_tree(path.read_text(encoding="utf-8"))
        document = json.loads(json.dumps(plain(tree)))
        assert list(validator.iter_errors(document)) == []
        document["plcs"][0]["endpiont"] = "x"
        assert len(list(validator.iter_errors(document))) == 1


def test_the_map_of_the_how_to_is_one() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/connect-a-real-plc.md"
    block = page.read_text(encoding="utf-8").split("```yaml\n")[1].partition("```")[0]
    station = LINE.stations[0].model_copy(update={"plc": "PLC-A"})
    line = Line.model_validate({"id": "MINE", "plcs": ({"id": "PLC-A"},), "stations": (station,)})
    (plc,) = tag_map_from_text(block, line).map.plcs
    assert len(plc.urls) == 2
    nodes = {(node.unit, node.signal): node for node in plc.nodes}
    assert len(nodes) == 12 * 8
    assert nodes["CUT03", "starved"].node == '"DB_Saw".Machine[2].xMaterialPresent'
    commands = page.read_text(encoding="utf-8").split("```yaml\n")[2].partition("```")[0]
    (with_them,) = tag_map_from_text(block + commands, line).map.plcs
    assert len(with_them.commands) == 12


def test_passwords_come_from_outside_and_are_read_anew(tmp_path, monkeypatch) -> None:
    pki = tmp_path / "pki"
    make_pki(pki)
    monkeypatch.setenv("PLC_PASSWORD", "first")
    security = "{user: me, password_env: PLC_PASSWORD}"
    text = text_of("- {match: CUT01, signals: {in: a}}", security=security)
    access = tag_map_from_text(text, LINE).access(pki)["PLC1"]
    assert (access().user, access().password) == ("me", "first")
    monkeypatch.setenv("PLC_PASSWORD", "second")
    assert access().password == "second"  # noqa: S105
    monkeypatch.delenv("PLC_PASSWORD")
    with pytest.raises(UsageError, match="the environment must have PLC_PASSWORD"):
        access()
    file = tmp_path / "secret"
    file.write_text("third\n")
    security = Security(user="me", password_file=str(file), server_certificate=str(tmp_path / "no"))
    with pytest.raises(UsageError, match="must be a file that can be read"):
        access_to("PLC1", security, pki)()
    by_file = access_to("PLC1", Security(user="me", password_file=str(file)), pki)
    assert by_file().password == "third"  # noqa: S105
    assert access_to("PLC1", Security(policy="none"), pki)() is None
    assert access_to("PLC1", None, pki)().user == "twin"
