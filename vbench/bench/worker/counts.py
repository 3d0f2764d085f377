"""Numbers that an adapter gives of its index: sizes, work; checked."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vbench.indexes.answers import AnswerError
from vbench.indexes.protocol import Index, is_count


def count_work(index: Index) -> int | None:
    """Distance computations since the last call."""
    return _count("work", index.work())


def sizes_of(index: Index) -> dict[str, int]:
    """Bytes of the index's parts, by name."""
    said = {name: _count("sizes", size) for name, size in type(index).sizes(index).items()}
    return {name: size for name, size in said.items() if size is not None}


def size_of(index: Index) -> tuple[int | None, str]:
    """Bytes of the index, and who says so."""
    size = _count("size_bytes", index.size_bytes())
    if size is not None:
        return size, "adapter"
    if type(index).save is Index.save:
        return None, "unknown"
    with tempfile.TemporaryDirectory() as folder:
        index.save(Path(folder) / "index")
        # Some libraries write a folder, or further files beside the one that is named.
        written = [path for path in Path(folder).rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in written), "saved file"


def _count(method: str, given: object) -> int | None:
    if given is None:
        return None
    if not is_count(given):
        raise AnswerError(f"{method} returned {given!r:.200}; a count is needed, or None")
    return int(given)  # type: ignore[call-overload, no-any-return]
