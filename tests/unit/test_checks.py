"""Each check fires where it should, at the exact place (the mark §), and is quiet once mended."""

# ruff: noqa: E501  (faults are quoted whole)

from __future__ import annotations

from dataclasses import dataclass

import pytest
from marked_text import faults_of, marks_in, unmarked

from lines.yaml_tree import plain, read_tree
from twin.model import Line
from twin.model.base import FROM_FILE
from twin.model.checks.references import DECLARED
from twin.model.product import product_units
from twin.model.topology import downstream_rank

PAIR = """
  - {id: A, cycle_time: 1 s}
  - {id: B, cycle_time: 1 s}
"""
SERIES = f"id: L\nstations:{PAIR}buffers:\n  - {{id: AB, from: A, to: B}}\n"


@dataclass(frozen=True)
class Case:
    """A text with one fault at each mark, what the faults say, and how the text is mended."""

    name: str
    text: str
    said: tuple[str, ...]
    wrong: str
    right: str

    def __str__(self) -> str:
        return self.name


def station(fields: str, others: str = "") -> str:
    """Return a line of A and B in which A has some more fields."""
    return f"""id: L
defects: [{{id: D1}}, {{id: D2}}]
{others}stations:
  - id: A
    cycle_time: 10 s
    {fields}
  - {{id: B, cycle_time: 1 s}}
buffers:
  - {{id: AB, from: A, to: B, capacity: 5}}
"""


def both(second: str, buffer: str = "capacity: 5", first: str = "") -> str:
    """Return a line of A and B with some more fields in B, the buffer and A."""
    return f"""id: L
defects: [{{id: D1}}]
stations:
  - {{id: A, cycle_time: 1 s{first and ", " + first}}}
  - {{id: B, cycle_time: 1 s, {second}}}
buffers:
  - {{id: AB, from: A, to: B, {buffer}}}
"""


CASES = [
    Case(
        "two stations with one id",
        SERIES.replace("buffers", "  - {id: §B, cycle_time: 1 s}\nbuffers"),
        ("stations[2].id: must be unique, got B; stations[1].id has it already",),
        "  - {id: B, cycle_time: 1 s}\nbuffers",
        "buffers",
    ),
    Case(
        "two buffers with one id",
        SERIES + "  - {id: §AB, from: A, to: B}\n",
        ("buffers[1].id: must be unique, got AB; buffers[0].id has it already",),
        "  - {id: AB, from: A, to: B}\n  - {id: AB",
        "  - {id: AB, from: A, to: B}\n  - {id: AC",
    ),
    *(
        Case(
            f"two {kind} with one id",
            f"{SERIES}{kind}: [{{id: X, {rest}}}, {{id: §X, {rest}}}]\n",
            (f"{kind}[1].id: must be unique, got X; {kind}[0].id has it already",),
            f", {{id: X, {rest}}}]",
            f", {{id: Y, {rest}}}]",
        )
        for kind, rest in {
            "calendars": "stops: [{every: 1 d, lasts: 1 h}]",
            "crews": "size: 1",
            "materials": "unit: kg",
            "defects": "name: x",
            "plcs": "port: 0",
            "utilities": "per_product: 1 kWh",
        }.items()
    ),
    Case(
        "a failure and a changeover with one id",
        station(
            "failures: [{id: F, mtbf: 1 h, mttr: 1 s}]\n    changeovers: [{id: §F, every: 1 h, lasts: 1 s}]"
        ),
        (
            "stations[0].changeovers[0].id: must be unique, got F; stations[0].failures[0].id has it already",
        ),
        "{id: F, every",
        "{id: G, every",
    ),
    Case(
        "two variables with one id",
        station(
            "variables: [{id: V, unit: m, nominal: 1, low: 0, high: 2}, {id: §V, unit: m, nominal: 1, low: 0, high: 2}]"
        ),
        (
            "stations[0].variables[1].id: must be unique, got V; stations[0].variables[0].id has it already",
        ),
        " {id: V, unit",
        " {id: W, unit",
    ),
    Case(
        "two alarms with one id",
        station(
            "alarms: [{id: X1, category: EQP, severity: 1, when: fault}, {id: §X1, category: EQP, severity: 1, when: fault}]"
        ),
        (
            "stations[0].alarms[1].id: must be unique, got X1; stations[0].alarms[0].id has it already",
        ),
        " {id: X1, category",
        " {id: X2, category",
    ),
    Case(
        "a station called like another's machine",
        SERIES.replace("{id: B, ", "{id: §A01, ").replace("to: B", "to: A01"),
        (
            "stations[1].id: must not lead to a name that a machine of A has, got A01; machines are called A01, A02, ...",
        ),
        "A01",
        "A02",
    ),
    Case(
        "machines of two stations with one name",
        SERIES.replace("A, cycle_time: 1 s", "A, cycle_time: 1 s, machines: 101")
        .replace("{id: B, ", "{id: §A1, ")
        .replace("to: B", "to: A1"),
        (
            "stations[1].id: must not lead to a name that a machine of A has, got A101; machines are called A01, A02, ...",
        ),
        "machines: 101",
        "machines: 100",
    ),
    Case(
        "a buffer called like a machine",
        SERIES.replace("id: AB", "id: §B01"),
        (
            "buffers[0].id: must not lead to a name that a machine of B has, got B01; machines are called B01, B02, ...",
        ),
        "id: B01",
        "id: B02",
    ),
    Case(
        "a buffer called like a station",
        SERIES.replace("id: AB", "id: §A"),
        ("buffers[0].id: must not be called like a station, got A",),
        "{id: A, from",
        "{id: C, from",
    ),
    Case(
        "a buffer from and to stations that are not there",
        SERIES.replace("from: A, to: B", "from: §STATION, to: [B, §CC]"),
        (
            "buffers[0].from: must be the id of a station, got STATION; known: A, B",
            "buffers[0].to[1]: must be the id of a station, got CC; known: A, B",
        ),
        "from: STATION, to: [B, CC]",
        "from: A, to: [B]",
    ),
    Case(
        "a buffer that names a station twice",
        SERIES.replace("to: B", "to: §[B, B]"),
        ("buffers[0].to: must name each station once, got B",),
        "[B, B]",
        "[B]",
    ),
    Case(
        "references of the line",
        f"yield_from: §C\ncalendar: §WORK\n{SERIES}"
        "calendars:\n  - {id: WORKS, stops: [{every: 1 d, lasts: 1 h}]}\n",
        (
            "yield_from: must be the id of a station, got C; known: A, B",
            "calendar: must be the id of a calendar, got WORK; did you mean 'WORKS'?",
        ),
        "yield_from: C\ncalendar: WORK\n",
        "yield_from: B\ncalendar: WORKS\n",
    ),
    Case(
        "references of a station",
        station(
            """calendar: §K
    plc: §P
    defects: {§D3: 0.1}
    failures: [{id: F, mtbf: 1 h, mttr: 1 s, crew: §CREW}]
    maintenance: [{every: 1 h, lasts: 1 s, crew: §CREW}]
    uses: [{material: §GLUE, amount: 1}]
    rework: {rate: 0.1, to: §X}
    inspection: {detects: {§D4: 1}, rejects_to: §Y}"""
        ),
        (
            "stations[0].calendar: must be the id of a calendar, got K; the file has none; declare it at the top level: calendars: [{id: K, stops: [{every: 1 d, at: 12 h, lasts: 30 min}]}]",
            "stations[0].plc: must be the id of a PLC, got P; the file has none; declare it at the top level: plcs: [{id: P}]",
            "stations[0].defects.D3: must be the id of a defect, got D3; known: D1, D2; declare it at the top level: defects: [{id: D3}]",
            "stations[0].failures[0].crew: must be the id of a crew, got CREW; the file has none; declare it at the top level: crews: [{id: CREW, size: 1}]",
            "stations[0].maintenance[0].crew: must be the id of a crew, got CREW; the file has none; declare it at the top level: crews: [{id: CREW, size: 1}]",
            "stations[0].uses[0].material: must be the id of a material, got GLUE; the file has none; declare it at the top level: materials: [{id: GLUE, unit: kg}]",
            "stations[0].rework.to: must be the id of a station, got X; known: A, B",
            "stations[0].inspection.detects.D4: must be the id of a defect, got D4; known: D1, D2; declare it at the top level: defects: [{id: D4}]",
            "stations[0].inspection.rejects_to: must be the id of a station, got Y; known: A, B",
        ),
        """calendar: K
    plc: P
    defects: {D3: 0.1}
    failures: [{id: F, mtbf: 1 h, mttr: 1 s, crew: CREW}]
    maintenance: [{every: 1 h, lasts: 1 s, crew: CREW}]
    uses: [{material: GLUE, amount: 1}]
    rework: {rate: 0.1, to: X}
    inspection: {detects: {D4: 1}, rejects_to: Y}""",
        "defects: {D1: 0.1}",
    ),
    Case(
        "an alarm of a variable without limits",
        station(
            "variables: [{id: V, unit: m, nominal: 1, low: 0, high: 2}]\n    alarms: [{id: X1, category: EQP, severity: 1, when: §V}]"
        ),
        (
            "stations[0].alarms[0].when: must be fault, starved, blocked, or a variable of the station with alarm limits, got V; known: blocked, fault, starved",
        ),
        "high: 2}",
        "high: 2, alarm_high: 1.5}",
    ),
    Case(
        "takes from a buffer that does not lead here",
        both("takes: {§AC: 2}"),
        (
            "stations[1].takes.AC: must be the id of a buffer that leads to this station, got AC; known: AB",
        ),
        "{AC: 2}",
        "{AB: 2}",
    ),
    Case(
        "a station that no buffer joins to the line",
        SERIES.replace("buffers", "  - §{id: C, cycle_time: 1 s}\nbuffers"),
        ("stations[2]: must be joined to the others by a buffer, got C alone",),
        "to: B}",
        "to: [B, C]}",
    ),
    Case(
        "a station alone beside a buffer that leads nowhere",
        SERIES.replace("buffers", "  - §{id: CUTTER, cycle_time: 1 s}\nbuffers").replace(
            "to: B", "to: §BB"
        ),
        (
            "stations[2]: must be joined to the others by a buffer, got CUTTER alone",
            "buffers[0].to: must be the id of a station, got BB; did you mean 'B'?",
        ),
        "to: BB}",
        "to: [B, CUTTER]}",
    ),
    Case(
        "a station that a mistyped name means",
        SERIES.replace("buffers", "  - {id: CUTTER, cycle_time: 1 s}\nbuffers").replace(
            "to: B", "to: [B, §CUTER]"
        ),
        ("buffers[0].to[1]: must be the id of a station, got CUTER; did you mean 'CUTTER'?",),
        "CUTER",
        "CUTTER",
    ),
    Case(
        "no buffer at all",
        f"§id: L\nstations:{PAIR}",
        ("buffers: must join the stations, got no buffer",),
        PAIR,
        "\n  - {id: A, cycle_time: 1 s}\n",
    ),
    Case(
        "a loop that nothing gets into",
        """id: L
stations:
  - {id: S, cycle_time: 1 s}
  - §{id: A, cycle_time: 1 s}
  - {id: B, cycle_time: 1 s}
  - {id: OUT, cycle_time: 1 s}
buffers:
  - {id: SO, from: S, to: OUT}
  - {id: AB, from: A, to: B}
  - {id: BA, from: B, to: [A, OUT]}
""",
        (
            "stations[1]: must be reachable from a station without an input, got the closed loop A, B; a loop needs a way in that does not wait for the loop itself",
        ),
        "from: A, to: B}",
        "from: [A, S], to: B}",
    ),
    Case(
        "an assembly that waits for its own pallets",
        """id: L
stations:
  - {id: S, cycle_time: 1 s}
  - §{id: JOIN, cycle_time: 1 s}
  - {id: PART, cycle_time: 1 s}
  - {id: OUT, cycle_time: 1 s}
buffers:
  - {id: q0, from: S, to: JOIN}
  - {id: q1, from: JOIN, to: PART}
  - {id: q2, from: PART, to: JOIN}
  - {id: q3, from: PART, to: OUT}
""",
        (
            "stations[1]: must be reachable from a station without an input, got the closed loop JOIN, PART; a loop needs a way in that does not wait for the loop itself",
        ),
        "from: PART, to: JOIN}",
        "from: [PART, S], to: JOIN}",
    ),
    Case(
        "a loop that nothing gets out of",
        """id: L
stations:
  - {id: S, cycle_time: 1 s}
  - §{id: A, cycle_time: 1 s}
  - {id: B, cycle_time: 1 s}
  - {id: OUT, cycle_time: 1 s}
buffers:
  - {id: q0, from: S, to: OUT}
  - {id: q1, from: [S, B], to: A}
  - {id: q2, from: A, to: B}
""",
        (
            "stations[1]: must have a way out of the line, got the closed loop A, B; a station without an output buffer lets parts leave",
        ),
        "from: [S, B]",
        "from: S",
    ),
    Case(
        "one number for two inputs",
        """id: L
stations:
  - {id: A, cycle_time: 1 s}
  - {id: B, cycle_time: 1 s}
  - {id: C, cycle_time: 1 s, takes: §2}
buffers:
  - {id: AC, from: A, to: C}
  - {id: BC, from: B, to: C}
""",
        (
            "stations[2].takes: must say how many parts from each of AC, BC, got one number; as {AC: 2, BC: 1}",
        ),
        "takes: 2",
        "takes: {AC: 2}",
    ),
    Case(
        "a source that takes",
        station("takes: §2"),
        ("stations[0].takes: must be absent where no buffer leads to the station, got 2",),
        "takes: 2",
        "gives: 2",
    ),
    Case(
        "a buffer smaller than a load",
        both("takes: 5.5", "capacity: §5"),
        ("buffers[0].capacity: must be at least 6, got 5; B takes up to 6 parts at once",),
        "capacity: 5",
        "capacity: 6",
    ),
    Case(
        "lanes smaller than a load",
        both("takes: 7, lanes: 2, machines: 2", "capacity: §3, lanes: 4"),
        (
            "buffers[0].capacity: must be at least 4 in each lane, got 3; B takes up to 7 parts at once",
        ),
        "capacity: 3",
        "capacity: 4",
    ),
    Case(
        "no room for more than one",
        both("takes: 2", "capacity: §0"),
        ("buffers[0].capacity: must be at least 2, got 0; B takes up to 2 parts at once",),
        "takes: 2",
        "takes: 1",
    ),
    Case(
        "machines that can't be dealt out over lanes",
        both("machines: 5, lanes: §2", "lanes: 2"),
        ("stations[1].lanes: must divide its machines, 5, got 2",),
        "machines: 5",
        "machines: 6",
    ),
    Case(
        "lanes that don't match",
        both("machines: 6, lanes: 3", "lanes: §2"),
        ("buffers[0].lanes: must divide or be divided by the 3 lanes of B, got 2",),
        "lanes: 2",
        "lanes: 6",
    ),
    Case(
        "a share on one way only",
        SERIES.replace("to: B", "to: B, share: 0.5") + "  - §{id: AB2, from: A, to: B}\n",
        ("buffers[1]: must have a share, as other buffers after A do",),
        "id: AB2, ",
        "id: AB2, share: 0.5, ",
    ),
    Case(
        "shares that don't sum to 1",
        SERIES.replace("to: B", "to: B, share: §30 %")
        + "  - {id: AB2, from: A, to: B, share: 60 %}\n",
        ("buffers[0].share: must sum to 1 over the buffers after A (AB, AB2), got 0.9",),
        "60 %",
        "70 %",
    ),
    Case(
        "parts of two kinds in one buffer",
        """id: L
stations:
  - {id: A, cycle_time: 1 s}
  - {id: B, cycle_time: 1 s, product_units: 12}
  - {id: C, cycle_time: 1 s}
buffers:
  - {id: q, from: §[A, B], to: C}
""",
        (
            "buffers[0].from: must bring together parts that stand for the same units of product, got 1 from A and 12 from B; see takes, gives and product_units of these stations",
        ),
        "product_units: 12",
        "product_units: 1.004",
    ),
    Case(
        "every part done again",
        station("rework: {rate: §100 %}"),
        ("stations[0].rework.rate: must be below 1, or no part ever gets past the station, got 1",),
        "100 %",
        "99.9 %",
    ),
    Case(
        "more scrap and rework than parts",
        station("scrap: 0.75\n    rework: {rate: §0.5}"),
        ("stations[0].rework.rate: must be at most 0.25, as 0.75 are scrapped, got 0.5",),
        "0.75",
        "0.5",
    ),
    Case(
        "an inspection that sends every part back",
        both("defects: {D1: 1}, inspection: §{detects: {D1: 1}, rejects_to: B}"),
        ("stations[1].inspection: must let some part pass, got every part rejected and sent back",),
        "defects: {D1: 1}, ",
        "",
    ),
    Case(
        "an inspection that rejects good and bad",
        both("inspection: §{detects: {D1: 1}, false_reject: 1, rejects_to: B}"),
        ("stations[1].inspection: must let some part pass, got every part rejected and sent back",),
        "false_reject: 1",
        "false_reject: 99 %",
    ),
    Case(
        "rework in place of many parts at once",
        both("takes: 3, rework: §{rate: 0.1}"),
        (
            "stations[1].rework: must name the station to go back to (`to`), got a station that takes 3 parts at a time; only one part at a time can be done again on the same machine",
        ),
        "{rate: 0.1}",
        "{rate: 0.1, to: B}",
    ),
    Case(
        "rework in place of many new parts",
        station("gives: 2\n    rework: §{rate: 0.1}"),
        (
            "stations[0].rework: must name the station to go back to (`to`), got a station that gives 2 parts at a time; only one part at a time can be done again on the same machine",
        ),
        "gives: 2",
        "gives: 1",
    ),
    Case(
        "rework that goes back to a source",
        both("rework: {rate: 0.1, to: §A}"),
        ("stations[1].rework.to: must be a station with exactly one input buffer, got A with 0",),
        "to: A}}",
        "to: B}}",
    ),
    Case(
        "rejects that go back to an assembly",
        """id: L
defects: [{id: D1}]
stations:
  - {id: A, cycle_time: 1 s}
  - {id: B, cycle_time: 1 s}
  - {id: C, cycle_time: 1 s}
  - {id: D, cycle_time: 1 s, inspection: {detects: {D1: 0.9}, rejects_to: §C}}
buffers:
  - {id: AC, from: A, to: C}
  - {id: BC, from: B, to: C}
  - {id: CD, from: C, to: D}
""",
        (
            "stations[3].inspection.rejects_to: must be a station with exactly one input buffer, got C with 2",
        ),
        "rejects_to: C",
        "rejects_to: D",
    ),
    Case(
        "rework of a pallet where tubes are worked",
        """id: L
stations:
  - {id: A, cycle_time: 1 s}
  - {id: B, cycle_time: 1 s}
  - {id: PAL, cycle_time: 1 s, takes: 12, gives: 1, rework: {rate: 1 %, to: §B}}
buffers:
  - {id: AB, from: A, to: B}
  - {id: BP, from: B, to: PAL}
""",
        (
            "stations[2].rework.to: must be a station that takes parts of the same kind, got B, whose parts stand for 1 units of product each and not for 12",
        ),
        "takes: 12, gives: 1, ",
        "",
    ),
    Case(
        "failures by two clocks",
        station(
            "failures: [{id: F, mtbf: 1 h, mttr: 1 s}, {id: G, depends_on: §time, mtbf: 1 h, mttr: 1 s}]"
        ),
        (
            "stations[0].failures[1].depends_on: must be operation, as for F, got time; the failures of a station share one clock",
        ),
        "depends_on: time",
        "depends_on: operation",
    ),
    Case(
        "failures by two clocks, one unsaid",
        station(
            "failures: [{id: F, depends_on: time, mtbf: 1 h, mttr: 1 s}, §{id: G, mtbf: 1 h, mttr: 1 s}]"
        ),
        (
            "stations[0].failures[1]: must be time, as for F, got operation; the failures of a station share one clock",
        ),
        "depends_on: time, ",
        "",
    ),
    Case(
        "a changeover beside failures that depend on time",
        station(
            "failures: [{id: F, depends_on: time, mtbf: 1 h, mttr: 1 s}]\n    changeovers: §[{id: C, every: 1 h, lasts: 1 s}]"
        ),
        (
            "stations[0].changeovers: must be absent where failures depend on time; a changeover counts working time, and a station has one kind of clock",
        ),
        "depends_on: time, ",
        "",
    ),
    Case(
        "many places and failures that depend on operation",
        station("places: 8\n    failures: [§{id: F, mtbf: 1 h, mttr: 1 s}]"),
        ("stations[0].failures[0]: must depend on time at a station with 8 places, got operation",),
        "{id: F, ",
        "{id: F, depends_on: time, ",
    ),
    Case(
        "many places and a changeover",
        station("places: 8\n    changeovers: §[{id: F, every: 1 h, lasts: 1 s}]"),
        ("stations[0].changeovers: must be absent at a station with 8 places",),
        "places: 8",
        "places: 1",
    ),
    Case(
        "a handling stop that depends on operation",
        station("failures: [{id: F, stops: §handling, mtbf: 1 h, mttr: 1 s}]"),
        (
            "stations[0].failures[0].stops: must be work where the failure depends on operation, got handling; a handling stop depends on time",
        ),
        "stops: handling",
        "depends_on: time, stops: handling",
    ),
    Case(
        "a handling stop that scraps",
        station(
            "failures: [{id: F, depends_on: time, stops: handling, after: §scrap, mtbf: 1 h, mttr: 1 s}]"
        ),
        ("stations[0].failures[0].after: must be resume where only handling stops, got scrap",),
        "stops: handling, ",
        "",
    ),
    Case(
        "maintenance without end",
        station("maintenance: [{every: 1 h, lasts: §60 min}]"),
        ("stations[0].maintenance[0].lasts: must be shorter than every, 1 h, got 1 h",),
        "60 min",
        "59 min",
    ),
    Case(
        "a planned stop beyond its period",
        SERIES + "calendars: [{id: K, stops: [§{every: 1 d, at: 20 h, lasts: 5 h}]}]\n",
        ("calendars[0].stops[0]: must end within its period, 1 d, got an end at 25 h",),
        "lasts: 5 h",
        "lasts: 4 h",
    ),
    Case(
        "planned stops without a gap",
        SERIES
        + "calendars: [{id: K, stops: §[{every: 1 d, lasts: 18 h}, {every: 12 h, at: 5 h, lasts: 7 h}]}]\n",
        ("calendars[0].stops: must leave working time between its planned stops, got none",),
        "lasts: 7 h",
        "lasts: 6 h",
    ),
    Case(
        "shifts that don't fit into a day",
        SERIES + "shifts: {start: §24 h, length: §7 h}\n",
        (
            "shifts.start: must be below 24 h, got 1 d",
            "shifts.length: must divide 24 h, got 7 h; as 8 h or 12 h",
        ),
        "start: 24 h, length: 7 h",
        "start: 6 h, length: 8 h",
    ),
    Case(
        "an unknown time zone",
        "time_zone: §Asia/Shanhai\n" + SERIES,
        (
            "time_zone: must be a time zone of the IANA database, as Asia/Shanghai, got Asia/Shanhai; did you mean 'Asia/Shanghai'?",
        ),
        "Shanhai",
        "Shanghai",
    ),
    Case(
        "a time zone that is a path",
        "time_zone: §/etc/passwd\n" + SERIES,
        (
            "time_zone: must be a time zone of the IANA database, as Asia/Shanghai, got /etc/passwd; ",
        ),
        "/etc/passwd",
        "Europe/Berlin",
    ),
    Case(
        "a delivery to a store that never runs out",
        SERIES + "materials: [{id: M, unit: kg, delivery: §{every: 1 d, amount: 1}}]\n",
        (
            "materials[0].delivery: must go with a stock: without one the store never runs out; say how much is there at the start, as stock: 0",
        ),
        "unit: kg",
        "unit: kg, stock: 0",
    ),
    Case(
        "two PLCs on one port",
        SERIES + "plcs: [{id: P, port: 4840}, {id: Q, port: §4840}, {id: R}, {id: S}]\n",
        ("plcs[1].port: must differ from the port of P, got 4840; 0 takes any free one",),
        "{id: Q, port: 4840}",
        "{id: Q, port: 4841}",
    ),
    Case(
        "more places than anyone can run",
        SERIES.replace(
            "- {id: A, cycle_time: 1 s", "§- {id: A, cycle_time: 1 s, machines: 100, places: 10000"
        ),
        ("stations: must have at most 1,000,000 places over all machines, got 1,000,001",),
        "machines: 100",
        "machines: 99",
    ),
    Case(
        "more lanes than anyone can run",
        "id: L\nstations:"
        + PAIR
        + "buffers:\n"
        + "".join(f"  - {{id: q{i}, from: A, to: B, lanes: 10000}}\n" for i in range(101)),
        ("buffers: must have at most 1,000,000 lanes in all, got 1,010,000",),
        "  - {id: q100, from: A, to: B, lanes: 10000}\n",
        "",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_is_found_at_its_place(case: Case) -> None:
    found = faults_of(case.text)
    said = [str(fault).partition(" ")[2] for fault in found]
    assert len(said) == len(case.said), said
    for text, expected in zip(said, case.said, strict=True):
        assert text.startswith(expected)
        assert text == expected or expected.endswith("; ")
    places = [(fault.line, fault.column) for fault in found]
    if "§" in case.text:
        assert places == marks_in(case.text)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_check_is_quiet_once_the_fault_is_mended(case: Case) -> None:
    text = unmarked(case.text)
    assert case.wrong in text
    assert faults_of(text.replace(case.wrong, case.right)) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_any_engine_can_number_the_stations_of_a_wrong_line(case: Case) -> None:
    """Ranks and units are asked for before faults are shown, and loops must not trap them."""
    tree, _ = read_tree(unmarked(case.text))
    line = Line.model_validate(plain(tree), context=FROM_FILE, by_alias=True, by_name=False)
    assert sorted(downstream_rank(line).values()) == list(range(len(line.station_by_id)))
    assert product_units(line).keys() == line.station_by_id.keys()


@pytest.mark.parametrize("kind", DECLARED)
def test_the_declaration_that_a_fault_names_is_right(kind: str) -> None:
    assert faults_of(f"{DECLARED[kind].format('NEW')}\n{SERIES}") == []
