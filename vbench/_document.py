"""What every `--json` document has in common: a schema by name, plain JSON, and intervals."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

D = TypeVar("D", bound="Document")


class Document(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="schema"
):
    """A document; each class names its schema: ``class Summary(Document, tag="vbench.summary/2")``.

    The schema is the first key of the JSON, and is checked when a document is read.
    """

    @property
    def schema(self) -> str:
        """Name and version of the schema, such as ``vbench.summary/2``."""
        return str(self.__struct_config__.tag)

    def to_json(self, indent: int = 2) -> str:
        """The document as JSON; NaN and infinities become null."""
        return msgspec.json.format(msgspec.json.encode(self), indent=indent).decode()

    def to_builtins(self) -> dict[str, Any]:
        """The document as plain dicts and lists: what a reader of its JSON gets."""
        read: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return read

    @classmethod
    def from_json(cls: type[D], text: str | bytes) -> D:
        """Read a document of this class.

        Raises
        ------
        msgspec.ValidationError
            When it is of another schema, or its fields are not those of this class.
        """
        return msgspec.json.decode(text, type=cls)


class Interval(msgspec.Struct, frozen=True):
    """A value with the ends of its 95 % interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
