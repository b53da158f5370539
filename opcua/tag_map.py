"""Where each signal of a line is to be found: endpoint, namespace and node of every tag."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from opcua.address_space import namespace_uri, plan
from twin.errors import Fault, LineFileError
from twin.model.base import Frozen, Id
from twin.model.line import Line

__all__ = ["MappedNode", "PlcMap", "TagMap", "tag_map"]


class MappedNode(Frozen):
    """One tag and its node.

    Args:
        unit: machine, buffer or lane; the PLC's id for what the PLC says of itself.
        signal: the signal's name.
        node: the node's string id, without the namespace index.
    """

    unit: str = Field(min_length=1)
    signal: str = Field(min_length=1)
    node: str = Field(min_length=1)


class PlcMap(Frozen):
    """One endpoint and what is read there.

    Args:
        plc: id of the PLC.
        url: as `opc.tcp://127.0.0.1:4840`.
        namespace_uri: namespace of the nodes; its index is asked for at every connect.
        nodes: the tags.
    """

    plc: Id
    url: str = Field(pattern=r"^opc\.tcp://[^/@\s]+(/\S*)?$")
    namespace_uri: str = Field(min_length=1)
    nodes: tuple[MappedNode, ...]


class TagMap(Frozen):
    """Where a line's signals are.

    Args:
        line: the line's id.
        plcs: one entry an endpoint.

    >>> TagMap.from_yaml(TagMap(line="L1", plcs=()).to_yaml())
    TagMap(line='L1', plcs=())
    """

    line: Id
    plcs: tuple[PlcMap, ...]

    def to_yaml(self) -> str:
        """Write it as a YAML document."""
        text = StringIO()
        YAML().dump(self.model_dump(mode="json"), text)
        return text.getvalue()

    def to_json(self) -> str:
        """Write it as a JSON document."""
        return self.model_dump_json(indent=1)

    @classmethod
    def from_yaml(cls, text: str, file: str = "") -> TagMap:
        """Read it from a YAML document; JSON is YAML too.

        Args:
            text: the document.
            file: its name, for messages.

        Raises:
            LineFileError: the document is no tag map; names every fault.
        """
        try:
            raw = YAML(typ="safe").load(text)
        except YAMLError as error:
            raise LineFileError([Fault("", "must be YAML", str(error), file=file)]) from error
        try:
            # Lists become tuples only where the model is not strict.
            return cls.model_validate(raw, strict=False)
        except ValidationError as error:
            raise LineFileError([_fault(e, file) for e in error.errors()]) from error


def _fault(error: object, file: str) -> Fault:
    details = dict(error) if isinstance(error, dict) else {}
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in details["loc"])
    return Fault(path.lstrip("."), str(details["msg"]), repr(details["input"])[:80], file=file)


def tag_map(line: Line, endpoints: Mapping[str, str]) -> TagMap:
    """Map a line that emulated PLCs serve.

    Args:
        line: the line.
        endpoints: URL by PLC id; a PLC that is not named is left out.

    Returns:
        The map of every tag, and of what each PLC says of itself (unit: the PLC's id).
    """
    uri = namespace_uri(line)
    return TagMap(
        line=line.id,
        plcs=tuple(
            PlcMap(
                plc=plc,
                url=url,
                namespace_uri=uri,
                nodes=tuple(
                    MappedNode(unit=spec.key[0], signal=spec.key[1], node=spec.node)
                    for spec in plan(line, plc)
                    if spec.key is not None
                ),
            )
            for plc, url in endpoints.items()
        ),
    )
