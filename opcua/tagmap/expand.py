"""From a tag map's file to the map that a subscriber works by, or every fault of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from opcua.conversion import summed
from opcua.tag_map import SERVER_TIME, Address, CommandPoint, MappedNode, PlcMap, TagMap
from opcua.tagmap.commands import command_point
from opcua.tagmap.meaning import conversion_of, deadband_of
from opcua.tagmap.model import Input, PlcTags, Tag, TagMapFile, UnitTags
from opcua.tagmap.placeholders import filled, unknown_placeholder
from opcua.tagmap.places import address
from opcua.tagmap.units import CANONICAL, Unit, units_of
from twin.errors import Fault, QuantityError, UsageError
from twin.model.line import Line
from twin.model.nearest import did_you_mean

__all__ = ["expand"]

_OWN = ("good", "alarm_word")
_NEVER_PLACES = {"unit", "station", "name", "n", "i"}


def expand(file: TagMapFile, line: Line) -> tuple[TagMap, list[Fault]]:
    """Write a map out for a line.

    Args:
        file: the map as it was written, well formed.
        line: the line that it is for.

    Returns:
        The map as far as it could be made, and what is wrong with it; faults have paths and no
        positions.
    """
    faults: list[Fault] = []
    if file.line != line.id:
        faults.append(Fault("line", f"must be {line.id}, the line that it is used for", file.line))
    known = [line.plc_of(station.id) for station in line.stations]
    plcs: list[PlcMap] = []
    for number, one in enumerate(file.plcs):
        path = f"plcs[{number}]"
        if one.plc not in known:
            hint = did_you_mean(one.plc, dict.fromkeys(known))
            faults.append(Fault(f"{path}.plc", "must be a PLC of the line", one.plc, hint))
            continue
        if one.plc in {plc.plc for plc in plcs}:
            faults.append(Fault(f"{path}.plc", "must be given once", one.plc))
        work = _Plc(one, units_of(line, one.plc), path)
        try:
            plcs.append(work.map())
        except UsageError as error:
            faults.append(Fault(f"{path}.endpoint", str(error).partition(": ")[2]))
        faults += work.faults
    return TagMap(line.id, tuple(plcs)), faults


@dataclass(slots=True)
class _Plc:
    """One PLC's part of a map, being written out."""

    of: PlcTags
    units: Mapping[str, Unit]
    path: str
    faults: list[Fault] = field(default_factory=list)
    _taken: dict[tuple[str, str], str] = field(default_factory=dict)

    def map(self) -> PlcMap:
        of = self.of
        self._names()
        nodes: list[MappedNode] = []
        commands: list[CommandPoint] = []
        for number, entry in enumerate(of.units):
            at = f"{self.path}.units[{number}]"
            chosen = self._matching(entry, at)
            nodes += self._entry(entry, chosen, at)
            commands += self._commands(entry, chosen, f"{at}.commands")
        live = SERVER_TIME
        if of.live is not None:
            live = self._address(of.live, "", {}, f"{self.path}.live") or SERVER_TIME
        self._check_pairs(nodes)
        return PlcMap(
            of.plc,
            of.endpoint,
            tuple(nodes),
            live,
            tuple(commands),
            publishing_s=None if of.publishing is None else of.publishing / 1e6,
            sampling_s=None if of.sampling is None else of.sampling / 1e6,
            queue_size=of.queue,
        )

    def _commands(self, entry: UnitTags, units: list[Unit], at: str) -> Iterator[CommandPoint]:
        for name, tag in entry.commands.items():
            wanted = {CANONICAL.get(key, key) for key in tag.when}
            # A pattern for machines may match their buffers too.
            able = [unit for unit in units if wanted <= unit.signals.keys()]
            for unit in able or units[:1]:
                try:
                    yield command_point(name, tag, entry.prefix, unit, self.of, self._places(unit))
                except QuantityError as error:
                    self._fault(f"{at}.{name}", str(error))

    def _names(self) -> None:
        known = {*self.units, *(unit.station for unit in self.units.values())}
        for name in self.of.names:
            if name not in known:
                hint = did_you_mean(name, sorted(known - {""}))
                must = "must be a unit or a station of this PLC"
                self._fault(f"{self.path}.names.{name}", must, name, hint)

    def _matching(self, entry: UnitTags, at: str) -> list[Unit]:
        chosen: dict[str, Unit] = {}
        for number, pattern in enumerate(entry.match):
            found = [unit for name, unit in self.units.items() if fnmatchcase(name, pattern)]
            if not found:
                hint = did_you_mean(pattern.strip("*"), self.units)
                where = f"{at}.match[{number}]" if len(entry.match) > 1 else f"{at}.match"
                self._fault(where, "must match units of this PLC", pattern, hint)
            chosen.update((unit.id, unit) for unit in found)
        return list(chosen.values())

    def _places(self, unit: Unit) -> dict[str, str | int]:
        names = self.of.names
        return {
            "unit": unit.id,
            "station": unit.station,
            "name": names.get(unit.id) or names.get(unit.station) or unit.id,
            "n": unit.number,
            "i": unit.number - 1,
        }

    def _entry(self, entry: UnitTags, units: list[Unit], at: str) -> Iterator[MappedNode]:
        wrong = unknown_placeholder(entry.prefix, _NEVER_PLACES | {"id"})
        if wrong:
            self._fault(f"{at}.prefix", wrong)
            return
        for key, tag in entry.signals.items():
            where = f"{at}.signals.{key}"
            made = [node for unit in units for node in self._signal(entry, unit, key, tag, where)]
            if key == "good":
                made = [node for unit in units for node in self._good(entry, unit, where)]
            if not made and units and not self._told(where):
                known = [*CANONICAL, *_OWN, *{s for u in units for s in u.signals}]
                self._fault(where, "must be a signal of these units", key, did_you_mean(key, known))
            yield from made

    def _signal(
        self, entry: UnitTags, unit: Unit, key: str, tag: Tag, where: str
    ) -> Iterator[MappedNode]:
        if key == "good":
            return
        if key == "alarm_word":
            yield from self._alarms(entry, unit, tag, where)
            return
        for name, star in _signals(unit, key):
            node = self._node(entry, unit, name, tag, where, {"id": star})
            if node is not None:
                self._take(node, where)
                yield node

    def _node(
        self,
        entry: UnitTags,
        unit: Unit,
        name: str,
        tag: Tag,
        where: str,
        more: Mapping[str, str],
    ) -> MappedNode | None:
        places = {**self._places(unit), **more}
        sources: Mapping[str, Input | Tag] = tag.inputs or {"": tag}
        inputs = []
        for label, source in sources.items():
            here = f"{where}.inputs.{label}" if label else where
            found = self._address(source, entry.prefix, places, here)
            if found is not None:
                inputs.append(found)
        signal = unit.signals.get(name)

        def wrong(sub: str, must: str) -> None:
            self._fault(f"{where}.{sub}", must)

        conversion = conversion_of(_with_picks(tag, places), name, signal, wrong)
        if len(inputs) < len(sources):
            return None
        return MappedNode(
            unit.id,
            name,
            tuple(inputs),
            conversion,
            CANONICAL.get(tag.moves_with, tag.moves_with),
            tag.steps,
            deadband_of(tag, signal, conversion.scale),
            tag.type or "",
        )

    def _address(
        self, source: Input | Tag, prefix: str, places: Mapping[str, str | int], where: str
    ) -> Address | None:
        of = self.of
        uri = of.namespace
        if source.namespace:
            if source.namespace not in of.namespaces:
                hint = did_you_mean(source.namespace, of.namespaces, "name it under namespaces")
                self._fault(f"{where}.namespace", "must be known", source.namespace, hint)
                return None
            uri = of.namespaces[source.namespace]
        text = source.node or source.path
        if not source.node.startswith(("nsu=", "ns=", "i=", "g=", "b=", "s=")):
            text = prefix + text
        key = "path" if source.path else "node"
        try:
            text = filled(text, places)
            node, path = (text, "") if source.node else ("", text)
            return address(node, path, uri, of.namespaces)
        except QuantityError as error:
            self._fault(f"{where}.{key}", f"{error}, got {text}")
            return None

    def _alarms(self, entry: UnitTags, unit: Unit, tag: Tag, where: str) -> Iterator[MappedNode]:
        known = [name.partition(".")[2] for name in unit.signals if name.startswith("alarm.")]
        if not known:
            return
        if not tag.bits:
            self._fault(where, "must have bits, which name the alarms")
        for bit, alarm in tag.bits.items():
            if alarm not in known:
                hint = did_you_mean(str(alarm), known)
                self._fault(f"{where}.bits.{bit}", "must be an alarm", str(alarm), hint)
                continue
            if not bit.isdecimal() or int(bit) > 63:
                self._fault(f"{where}.bits.{bit}", "must be the number of a bit, 0 to 63", bit)
                continue
            one = tag.model_copy(update={"bits": {}, "bit": int(bit)})
            node = self._node(entry, unit, f"alarm.{alarm}", one, where, {})
            if node is not None:
                self._take(node, where)
                yield node

    def _good(self, entry: UnitTags, unit: Unit, where: str) -> Iterator[MappedNode]:
        """Work out what a machine processed: what is good, scrapped and sent back, together."""
        if "processed" not in unit.signals or (unit.id, "processed") in self._taken:
            return
        parts: list[MappedNode] = []
        for key in ("good", "scrap", "defective", "rework", "reworked"):
            if key in entry.signals:
                name = CANONICAL.get(key, key)
                tag, at = entry.signals[key], where.replace("good", key)
                as_signal = "processed" if key == "good" else name
                node = self._node(entry, unit, as_signal, tag, at, {})
                if node is None:
                    return
                parts.append(node)
        node = MappedNode(
            unit.id,
            "processed",
            tuple(address for part in parts for address in part.inputs),
            summed([(len(part.inputs), part.conversion) for part in parts]),
        )
        self._take(node, where)
        yield node if len(parts) > 1 else replace(node, conversion=parts[0].conversion)

    def _take(self, node: MappedNode, where: str) -> None:
        key = (node.unit, node.signal)
        if key in self._taken and self._taken[key] != where:
            must = f"must map each signal of {node.unit} once"
            self._fault(where, must, node.signal, f"{self._taken[key]} has it already")
        self._taken[key] = where

    def _check_pairs(self, nodes: list[MappedNode]) -> None:
        for node in nodes:
            if node.moves_with and (node.unit, node.moves_with) not in self._taken:
                where = self._taken[node.unit, node.signal]
                mapped = [signal for unit, signal in self._taken if unit == node.unit]
                hint = did_you_mean(node.moves_with, mapped)
                must = f"must be a signal of {node.unit} that is mapped"
                self._fault(f"{where}.moves_with", must, node.moves_with, hint)

    def _told(self, where: str) -> bool:
        return any(fault.path.startswith(where) for fault in self.faults)

    def _fault(self, path: str, must: str, found: str = "", remedy: str = "") -> None:
        # The units of an entry have its faults in common.
        if not any((f.path, f.must) == (path, must) for f in self.faults):
            self.faults.append(Fault(path, must, found, remedy))


def _with_picks(tag: Tag, places: Mapping[str, str | int]) -> Tag:
    """A tag whose picks are those of one unit; what can't be filled is found to be no pick."""

    def fill(text: str) -> str:
        return text if unknown_placeholder(text, places) else filled(text, places)

    inputs = {
        label: one.model_copy(update={"pick": fill(one.pick)}) for label, one in tag.inputs.items()
    }
    return tag.model_copy(update={"pick": fill(tag.pick), "inputs": inputs})


def _signals(unit: Unit, key: str) -> list[tuple[str, str]]:
    """The signals of a unit that a key means, and what its star stands for in each."""
    name = CANONICAL.get(key, key)
    if "*" not in name:
        return [(name, "")] if name in unit.signals else []
    before = name.partition("*")[0]
    return [
        (signal, signal.removeprefix(before))
        for signal in unit.signals
        if fnmatchcase(signal, name)
    ]
