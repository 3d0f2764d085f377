"""Bring a dataset of the catalog here: the first place that answers, checked, then prepared."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data import catalog
from vbench.data.card import File
from vbench.data.download import Place, Progress, download
from vbench.data.files import whole_file
from vbench.data.formats import BIN_DTYPES
from vbench.data.registries import UnavailableError
from vbench.errors import DataError, VbenchError

_RECORD = "checksums.json"


def fetch(
    name: str | catalog.Entry, *, progress: Progress | None = None, pause: float = 1.0
) -> Path:
    """Fetch a dataset of the catalog into ``places.home()/datasets``.

    A file that is here and has its checksum is left alone, one that came half is continued, and
    each place a card names is tried in turn. Where nobody published a checksum, that of the first
    download is recorded, and a later download must have it too.

    Parameters
    ----------
    name
        As `vbench data list` shows it, or an entry of the catalog.
    progress
        Called with (file, bytes so far, bytes in all or None).
    pause
        Seconds before a second attempt; doubled before each further one.

    Returns
    -------
    The folder that holds it now.

    Raises
    ------
    VbenchError
        No place has the file, its checksum is wrong everywhere, or the disk is full.
    """
    entry = catalog.entry(name) if isinstance(name, str) else name
    card = entry.card
    if entry.make is not None or not card.files:
        return entry.folder
    if card.prepare and entry.is_here:
        return entry.folder
    raw = entry.folder / "raw" if card.prepare else entry.folder
    with tempfile.TemporaryDirectory(prefix="vbench-packages-") as packages:
        files = {
            file.filename: _fetch_file(
                file, raw, Path(packages), progress or (lambda *_: None), pause
            )
            for file in card.files
        }
    if card.prepare:
        _prepare(card.prepare, files, entry.folder)
    return entry.folder


def _fetch_file(file: File, folder: Path, packages: Path, progress: Progress, pause: float) -> Path:
    """Have one file here, with the right checksum; its path."""
    target = folder / file.filename
    recorded = _recorded(folder).get(file.filename, {})
    wanted = file.sha256 or recorded.get("sha256")
    if target.is_file() and (wanted is None or _sha256(target, progress) == wanted):
        return target
    problems: list[str] = []
    for url in file.urls:
        itemsize = np.dtype(BIN_DTYPES.get(target.suffix.lower(), "u1")).itemsize
        try:
            download(Place(url, packages, file.rows, itemsize, pause), target, progress)
        except UnavailableError as error:
            problems.append(str(error))
            continue
        found = _sha256(target, progress)
        problem = _problem(file, target.stat().st_size, found, recorded.get("sha256"))
        if problem is None:
            facts = {"url": url, "sha256": found, "bytes": target.stat().st_size}
            _record(folder, file.filename, facts)
            return target
        target.unlink()
        problems.append(f"{url}: {problem}; removed")
    raise VbenchError(f"{file.filename} could not be fetched:\n  " + "\n  ".join(problems))


def _problem(file: File, size: int, found: str, recorded: str | None) -> str | None:
    if file.bytes is not None and size != file.bytes:
        return f"{size} bytes came, the card says {file.bytes}"
    if file.sha256:
        if found == file.sha256:
            return None
        return f"wrong checksum: SHA-256 {found}, the card says {file.sha256}"
    if recorded in (None, found):
        return None
    return (
        f"SHA-256 {found} is not that of the first download, {recorded} "
        f"(where the file was changed on purpose, delete {_RECORD} beside it)"
    )


def _sha256(path: Path, progress: Progress) -> str:
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as stream:
        while block := stream.read(4 << 20):
            digest.update(block)
            done += len(block)
            progress(f"{path.name}: checksum", done, size)
    return digest.hexdigest()


def _recorded(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        record = json.loads((folder / _RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _record(folder: Path, name: str, facts: dict[str, Any]) -> None:
    with whole_file(folder / _RECORD) as stream:
        stream.write(json.dumps({**_recorded(folder), name: facts}, indent=2).encode())


def recorded_checksums(entry: catalog.Entry) -> Mapping[str, str]:
    """SHA-256 of each fetched file, as it was when it came."""
    folder = entry.folder / "raw" if entry.card.prepare else entry.folder
    return {name: str(facts.get("sha256", "")) for name, facts in _recorded(folder).items()}


def _prepare(function: str, files: Mapping[str, Path], folder: Path) -> None:
    """Run the function of a card in a folder of its own; `base.npy`, the sign, is moved last."""
    module, _, attribute = function.partition(":")
    try:
        make: Callable[[Mapping[str, Path], Path], None] = getattr(
            importlib.import_module(module), attribute
        )
    except (ImportError, AttributeError) as error:
        raise VbenchError(
            f"the card's prepare = {function!r} cannot be imported: {error}"
        ) from None
    fresh = folder / "preparing"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        make(files, fresh)
        if not (fresh / "base.npy").is_file():
            raise DataError(f"{function} made no base.npy")
        for path in sorted(fresh.iterdir(), key=lambda path: path.name == "base.npy"):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
