"""Thrift's compact protocol, as far as Parquet's footer and page headers need it."""

from __future__ import annotations

from typing import Any

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(
    13
)
_DEEPEST = 32

Fields = dict[int, Any]
"""A struct: its fields by number. Texts are left as bytes."""


class Reader:
    """Reads structs out of a buffer, never beyond its end.

    Raises
    ------
    ValueError
        What stands there is no struct of this protocol.
    """

    def __init__(self, content: bytes, at: int = 0) -> None:
        self._content = content
        self.at = at

    def struct(self, depth: int = 0) -> Fields:
        """The struct that begins here."""
        if depth > _DEEPEST:
            raise ValueError("structs within structs without end")
        fields: Fields = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 15
            fields[number] = kind == _TRUE if kind <= _FALSE else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 4 | 5 | 6:
                return self._zigzag()
            case 8:
                return self._take(self._varint())
            case 12:
                return self.struct(depth + 1)
            case 9 | 10:
                head = self._byte()
                count = head >> 4 if head >> 4 < 15 else self._varint()
                return [self._element(head & 15, depth + 1) for _ in range(self._possible(count))]
            case 11:
                count = self._varint()
                kinds = self._byte() if count else 0
                return [
                    (self._element(kinds >> 4, depth + 1), self._element(kinds & 15, depth + 1))
                    for _ in range(self._possible(count))
                ]
            case 1 | 2 | 3:
                return self._byte()
            case 7:
                return self._take(8)
        raise ValueError(f"no type of Thrift has the number {kind}")

    def _element(self, kind: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("lists within lists without end")
        return self._value(kind, depth)

    def _possible(self, count: int) -> int:
        """A number of elements, each of which takes a byte at least."""
        if count > len(self._content) - self.at:
            raise ValueError(f"a list of {count} elements is cut short")
        return count

    def _byte(self) -> int:
        if self.at >= len(self._content):
            raise ValueError("cut short")
        byte = self._content[self.at]
        self.at += 1
        return byte

    def _take(self, count: int) -> bytes:
        taken = self._content[self.at : self.at + count]
        if len(taken) < count:
            raise ValueError("cut short")
        self.at += count
        return taken

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) > 127:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number without end")
        return value | byte << shift

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
