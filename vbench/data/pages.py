"""Whether the numbers in a Parquet file's footer and page headers can be true.

polars reserves memory for as many values as they say; where a damaged or malicious file says 2⁶¹,
the whole process is aborted. Both are written in Thrift's compact protocol, of which as much is
read here as that needs.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from vbench import _invocation

_MAGIC = b"PAR1"
_TAIL_BYTES = 8
_USUAL_HEADER = 512
_LONGEST_HEADER = 1 << 20
_FORGOTTEN = 100
_LARGEST_PAGE = 1 << 30
_VALUE_BYTES = 8
_HARMLESS_BYTES = 256 << 20


class State(NamedTuple):
    """What is another when a file was changed."""

    inode: int
    size: int
    written_ns: int
    changed_ns: int


_checked: dict[Path, tuple[State, dict[str, int]]] = {}
"""What was looked at before in this process: its state then, and values by column."""
_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(
    13
)
_DEEPEST = 32
Fields = dict[int, Any]
"""A struct: its fields by number. Texts are left as bytes."""


def state_of(path: Path) -> State:
    """The state of a file."""
    facts = path.stat()
    return State(facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def check_pages(path: Path) -> dict[str, int]:
    """Look at the sizes and counts of a Parquet file before polars does; once in a process.

    Gives how many values each column has.

    Raises
    ------
    ValueError
        They contradict each other or the size of the file, or the numbers lie in another file.
    """
    state = state_of(path)
    before, values = _checked.get(path, (None, {}))
    if before == state:
        return values
    if not state.size:
        raise ValueError("it is empty, where PAR1 is expected")
    try:
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            footer = read_footer(content)
            for problem in _problems(footer, content):
                raise ValueError(problem)
            values = {}
            for chunk in chunks_of(footer):
                name = chunk[3][0].decode(errors="replace")
                values[name] = values.get(name, 0) + chunk[5]
    except (LookupError, TypeError, AttributeError):
        raise ValueError("its footer is not that of a Parquet file") from None
    _checked[path] = state, values
    return values


def check_memory(path: Path, columns: Collection[str] | None = None) -> None:
    """Refuse a file whose columns, by default all, do not fit into memory."""
    counts = check_pages(path)
    count = sum(n for name, n in counts.items() if columns is None or name in columns)
    wanted = count * _VALUE_BYTES
    if wanted > _HARMLESS_BYTES and wanted > (free := psutil.virtual_memory().available):
        raise ValueError(
            f"it declares {count:,} values, which take {wanted:,} bytes of memory; "
            f"{free:,} are free"
        )


def _problems(footer: Fields, content: mmap.mmap) -> Iterator[str]:
    """What cannot be true, the first that is found."""
    counts = [footer[3], *(group[3] for group in footer[4])]
    if min(counts) < 0 or counts[0] != sum(counts[1:]):
        yield f"{counts[0]} rows, in groups of {counts[1:]}"
    for chunk in chunks_of(footer):
        yield from _chunk_problems(chunk, content)


def read_footer(content: mmap.mmap) -> Fields:
    """What the end of a file says of its columns and where they are.

    Raises
    ------
    ValueError
        It is no Parquet file.
    """
    size = len(content)
    if size < _TAIL_BYTES + 4 or content[:4] != _MAGIC or content[-4:] != _MAGIC:
        raise ValueError("it does not begin and end with PAR1")
    length = int.from_bytes(content[-_TAIL_BYTES:-4], "little")
    if length > size - _TAIL_BYTES - 4:
        raise ValueError(f"its footer is said to have {length} of its {size} bytes")
    return Reader(content[-_TAIL_BYTES - length : -_TAIL_BYTES]).struct()


def chunks_of(footer: Fields) -> Iterator[Fields]:
    """Each column in each group of rows."""
    for group in footer[4]:
        for column in group[1]:
            if 1 in column:
                raise ValueError(f"a column lies in another file, {column[1]!r}")
            yield column[3]


def _chunk_problems(chunk: Fields, content: mmap.mmap) -> Iterator[str]:
    """Walk over the pages of a column in a group of rows."""
    name = b".".join(chunk[3]).decode(errors="replace")
    at, end = _bounds(chunk, content)
    if at < 4 or chunk[7] < 0 or at + chunk[7] > len(content) or chunk[5] < 0:
        yield f"{name}: {chunk[7]} bytes at {at} of {len(content)}, {chunk[5]} values"
    values = 0
    for at, header in walk_pages(chunk, content):
        stored, size = header[3], header[2]
        count = _count(header)
        if not 0 <= stored <= end - at or size < 0 or not 0 <= count <= _most(header, chunk, size):
            yield f"{name}: a page of {stored} bytes (unpacked {size}) and {count} values"
        if size > _LARGEST_PAGE and not _invocation.is_trusted():
            yield f"{name}: a page of {size} bytes, unpacked; {_invocation.advise_trust()}"
        values += count if 7 not in header else 0
    if values != chunk[5]:
        yield f"{name}: its pages hold {values} of {chunk[5]} values"


def walk_pages(chunk: Fields, content: mmap.mmap) -> Iterator[tuple[int, Fields]]:
    """The pages of a column in a group of rows: where the content of each begins, and its header.

    A dictionary, where there is one, stands before the data.
    """
    at, end = _bounds(chunk, content)
    values = 0
    while at < end and values < chunk[5]:
        header, length = _header(content, at)
        yield at + length, header
        at += length + header[3]
        values += _count(header) if 7 not in header else 0


def _bounds(chunk: Fields, content: mmap.mmap) -> tuple[int, int]:
    at = min(chunk[9], chunk.get(11) or chunk[9])
    # Old versions of parquet-mr left the head of the dictionary out of the sum.
    return at, min(at + chunk[7] + _FORGOTTEN, len(content) - _TAIL_BYTES)


def _header(content: mmap.mmap, at: int) -> tuple[Fields, int]:
    """The header of a page, and its length; most are short, but statistics may be long."""
    try:
        reader = Reader(content[at : at + _USUAL_HEADER])
        return reader.struct(), reader.at
    except ValueError:
        reader = Reader(content[at : at + _LONGEST_HEADER])
        return reader.struct(), reader.at


def _count(header: Fields) -> int:
    """Values in a page: of data of either version, of a dictionary, or none."""
    described: Any = next((header[number] for number in (5, 8, 7) if number in header), None)
    return int(described[1]) if described else 0


def _most(header: Fields, chunk: Fields, size: int) -> int:
    """Values a page can have: those of its column; a dictionary's take some of its bytes."""
    return 8 * size if 7 in header else int(chunk[5])


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
        fields: Fields = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 15
            fields[number] = kind == _TRUE if kind <= _FALSE else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("structs or lists within each other without end")
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
                return [self._value(head & 15, depth + 1) for _ in range(self._possible(count))]
            case 11:
                count = self._varint()
                kinds = self._byte() if count else 0
                return [
                    (self._value(kinds >> 4, depth + 1), self._value(kinds & 15, depth + 1))
                    for _ in range(self._possible(count))
                ]
            case 1 | 2 | 3:
                return self._byte()
            case 7:
                return self._take(8)
        raise ValueError(f"no type of Thrift has the number {kind}")

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
