"""HDF5 files may hold numbers that lie in other files: such are neither followed nor read."""

from __future__ import annotations

import contextlib
import posixpath
from pathlib import Path
from typing import Any

from vbench.errors import DataError

_LONGEST_CHAIN = 16


def own_arrays(file: Any, path: Path) -> list[str]:
    """Names of the arrays at the top of an HDF5 file, without opening what a link leads to.

    Raises
    ------
    DataError
        A link that leaves the file, naming it.
    """
    import h5py

    names = []
    for name in file:
        outside = _outside(file, f"/{name}", _LONGEST_CHAIN)
        if outside:
            raise DataError(
                f"{path}: {name}: lies in another file, {outside}: give that file, or copy its "
                "numbers into this one"
            )
        with contextlib.suppress(KeyError, RuntimeError):  # of a link that leads nowhere
            if file.get(name, getclass=True) is h5py.Dataset:
                names.append(name)
    return names


def refuse_outside(stored: Any, where: str) -> None:
    """Refuse an array whose numbers lie elsewhere: external storage, a virtual dataset.

    Raises
    ------
    DataError
        Naming the other file.
    """
    others = [name for name, _, _ in stored.external or ()]
    kind = "are in external storage"
    if stored.is_virtual:
        others = [source.file_name for source in stored.virtual_sources()]
        kind = "are those of a virtual dataset"
    if others or stored.is_virtual:
        raise DataError(
            f"{where}: its numbers {kind} ({', '.join(map(str, others[:3])) or 'nowhere'}): give "
            "the file that holds them, or copy them into this one (h5repack, h5py)"
        )


def _outside(file: Any, name: str, chain: int) -> str | None:
    """The file that a path leads to, where that is another one; soft links are followed here."""
    import h5py

    steps = [step for step in posixpath.normpath(name).split("/") if step]
    at = "/"
    for number, step in enumerate(steps):
        at = posixpath.join(at, step)
        link = file.get(at, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            return str(link.filename)
        if isinstance(link, h5py.SoftLink):
            if not chain:
                return f"a circle of links at {at}"
            target = posixpath.join(posixpath.dirname(at), link.path, *steps[number + 1 :])
            return _outside(file, target, chain - 1)
    return None
