"""What a tag map's file may hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from twin.errors import QuantityError
from twin.model.base import Frozen, Id
from twin.model.quantity import PositiveMicros

__all__ = [
    "CommandTag",
    "Input",
    "PlcTags",
    "Security",
    "Tag",
    "TagMapFile",
    "UnitTags",
    "WireType",
]

WireType = Literal[
    "Boolean",
    "SByte",
    "Byte",
    "Int16",
    "UInt16",
    "Int32",
    "UInt32",
    "Int64",
    "UInt64",
    "Float",
    "Double",
]
Constant = str | int | float | bool


def _texts(raw: Any) -> Any:
    return (raw,) if isinstance(raw, str) else raw


def _node(raw: Any) -> Any:
    return {"node": raw} if isinstance(raw, str) else raw


_SomeTexts = Annotated[tuple[str, ...], Field(min_length=1)]
Texts = Annotated[
    _SomeTexts,
    BeforeValidator(_texts, json_schema_input_type=str | _SomeTexts),
    Field(description="a text, or a list of texts"),
]


class Input(Frozen):
    """One variable of a PLC. A plain text stands for `{node: ...}`.

    Args:
        node: its node id: a text in `namespace`, as `"DB1"."State"`, `i=1001`, `g=...`, `b=...`,
            or in full, as `nsu=http://vendor/;s=State`.
        path: instead of it, browse names from the Objects folder on, as
            `DeviceSet/PLC_1/Counter`; of another namespace as `di:DeviceSet`, a `/` in a name
            as `&/`.
        namespace: key of `namespaces`; absent: the PLC's own namespace.
        pick: what of a structure or array is meant, as `Axes[3].Position`.
    """

    node: str = ""
    path: str = ""
    namespace: str = ""
    pick: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Input:
        if type(self) is Input and bool(self.node) == bool(self.path):
            raise QuantityError("must have node or path, and not both")
        return self


FileInput = Annotated[
    Input,
    BeforeValidator(_node, json_schema_input_type=str | Input),
    Field(description="a node id, or a mapping"),
]


class Tag(Frozen):
    """Where a signal comes from, and what its values mean. A plain text stands for `{node: ...}`.

    Args:
        node: as in an input.
        path: as in an input.
        namespace: as in an input.
        pick: as in an input.
        inputs: instead of `node` and `path`: several variables, by the names that `expression`
            gives them.
        expression: what is made of them, as `good + scrap`, `(word & 7) == 3`, `a if auto else b`.
        type: the type that the PLC sends; `twin tags check` compares it.
        bit: which bit of a whole number is meant, 0 the lowest.
        width: bits of a counter that begins at 0 again when it is full.
        wraps_at: instead of `width`: the value at which it begins at 0 again, as 10000.
        values: what each value means: a PackML state or mode by its name, or a number.
        bits: by number of a bit what it means; of several that are set the first in the list
            counts. Of `alarm_word` it names alarms.
        otherwise: what any other value means; absent: it is no value, and bad.
        inverted: whether true means false.
        scale: factor; done before `offset`.
        offset: what is added.
        unit: unit that the PLC uses, where it is another than the signal's.
        deadband: change of the PLC's own value that is not worth telling; absent: a thousandth of
            the range of a process variable, 0 of all else.
        moves_with: signal of the same unit, a counter: while it runs on this value must change,
            or it is stale.
        steps: how often the counter may change before that.
    """

    node: str = ""
    path: str = ""
    namespace: str = ""
    pick: str = ""
    inputs: dict[str, FileInput] = Field(default_factory=dict)
    expression: str = ""
    type: WireType | None = None
    bit: int | None = Field(default=None, ge=0, le=63)
    width: int | None = Field(default=None, ge=4, le=64)
    wraps_at: int | None = Field(default=None, ge=2)
    values: dict[str, Constant] = Field(default_factory=dict)
    bits: dict[str, Constant] = Field(default_factory=dict)
    otherwise: Constant | None = None
    inverted: bool = False
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    deadband: float | None = Field(default=None, ge=0)
    moves_with: str = ""
    steps: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _one_place(self) -> Tag:
        if sum(map(bool, (self.node, self.path, self.inputs))) != 1:
            raise QuantityError("must have one of node, path and inputs")
        if bool(self.inputs) != bool(self.expression):
            raise QuantityError("must have inputs and expression together")
        if self.width is not None and self.wraps_at is not None:
            raise QuantityError("must have width or wraps_at, and not both")
        if self.scale == 0:
            raise QuantityError("must have a scale other than 0")
        return self


FileTag = Annotated[
    Tag,
    BeforeValidator(_node, json_schema_input_type=str | Tag),
    Field(description="a node id, or a mapping"),
]


class CommandTag(Frozen):
    """Something that may be told to the plant. Without an entry here nothing ever is.

    Args:
        node: as in an input: the variable that is written, or the method that is called.
        path: as in an input.
        namespace: as in an input.
        object: node id of the object whose method it is; absent: a variable is written.
        low: least value that may be written, or given to the method.
        high: greatest value.
        role: who may: `twin command --role` must name it.
        when: signal of the unit, and the values (PackML's names, or numbers) of which it must have
            one.
        every: shortest time from one to the next; absent: 10 s.
        read_back: node id of the variable that shows what came of it; absent: what was written.
        type: the type that is written; absent: the variable's own.
    """

    node: str = ""
    path: str = ""
    namespace: str = ""
    object: str = ""
    low: float
    high: float
    role: str = Field(min_length=1)
    when: dict[str, tuple[Constant, ...]] = Field(default_factory=dict)
    every: PositiveMicros | None = None
    read_back: str = ""
    type: WireType | None = None

    @model_validator(mode="after")
    def _one_place(self) -> CommandTag:
        if bool(self.node) == bool(self.path):
            raise QuantityError("must have node or path, and not both")
        if not self.low <= self.high:
            raise QuantityError("must have low <= high")
        return self


class UnitTags(Frozen):
    """What some units of the line say: one entry for all that are built alike.

    In `prefix` and in every node, path and pick `{unit}`, `{station}`, `{name}`, `{n}` (the
    machine's number in its station, from 1) and `{i}` (from 0) stand for the unit's own; `{n:02}`
    has two digits. Under a signal with `*`, as `variable.*`, `{id}` is what the star stands for.

    Args:
        match: machines, buffers and lanes by their ids, with `*` for any letters; the PLC's own
            id for what it says of itself.
        prefix: what every node and path of the entry begins with, but one that is given in full.
        signals: by signal (`state`, `mode`, `in`, `out`, `good`, `scrap`, `rework`, `level`,
            `cycle_time`, `alarm_word`, `variable.ID`, `alarm.ID`, or one of the reference's) where
            it comes from.
        commands: by name what may be told to each of the units.
    """

    match: Texts
    prefix: str = ""
    signals: dict[str, FileTag] = Field(default_factory=dict)
    commands: dict[str, CommandTag] = Field(default_factory=dict)


class Security(Frozen):
    """How a PLC is entered. There is no place for a password in the file.

    Args:
        policy: encryption; `none`: neither signed nor encrypted, nobody logs on.
        mode: whether messages are only signed.
        pki: folder with `client.cert.der`, `client.key.pem` and `server.cert.der`; absent: the
            twin's own.
        server_certificate: file with the server's certificate (DER); absent: that of `pki`.
        user: who logs on; absent: nobody.
        password_env: environment variable with the password.
        password_file: file with the password.
    """

    policy: Literal["none", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = (
        "Basic256Sha256"
    )
    mode: Literal["Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    pki: str = ""
    server_certificate: str = ""
    user: str = ""
    password_env: str = ""
    password_file: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Security:
        if self.password_env and self.password_file:
            raise QuantityError("must have password_env or password_file, and not both")
        if self.user and not (self.password_env or self.password_file):
            raise QuantityError("must have password_env or password_file beside user")
        if self.policy == "none" and self.user:
            raise QuantityError("must have a policy where a user logs on: passwords go encrypted")
        return self


class PlcTags(Frozen):
    """One PLC: how to reach it, and what is to be found there.

    Args:
        plc: its id in the line; of a line without PLCs `PLC`.
        endpoint: where it listens, as `opc.tcp://192.168.0.10:4840`; of a redundant pair a list:
            the next takes over where one is lost, or says by its ServiceLevel that it serves badly.
        security: absent: the twin's own keys and password, as for the emulated PLCs.
        namespace: URI of the namespace of whatever names none. Its index is looked up at every
            connect.
        namespaces: further URIs, by the short names that paths and inputs use.
        live: a variable that changes as long as the PLC works; absent: the server's clock.
        publishing: time from one batch to the next; absent: 200 ms.
        sampling: how often the server looks at its values; absent: as often as it publishes.
        queue: values of a tag that the server keeps between two batches.
        names: what the PLC calls units or stations, by their ids in the line: `{name}`.
        units: what it says.
    """

    plc: Id
    endpoint: Texts
    security: Security | None = None
    namespace: str = Field(min_length=1)
    namespaces: dict[str, str] = Field(default_factory=dict)
    live: FileInput | None = None
    publishing: PositiveMicros | None = None
    sampling: PositiveMicros | None = None
    queue: int = Field(default=10, ge=1, le=10_000)
    names: dict[str, str] = Field(default_factory=dict)
    units: tuple[UnitTags, ...] = Field(min_length=1)


class TagMapFile(Frozen):
    """Where a line's signals are, on PLCs of any make.

    Args:
        tags: version of this kind of file; always 1.
        line: id of the line.
        plcs: one entry a PLC.
    """

    tags: Literal[1] = 1
    line: Id
    plcs: tuple[PlcTags, ...] = Field(min_length=1)
