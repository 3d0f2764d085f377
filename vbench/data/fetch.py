"""Bring a dataset of the catalog here: the first place that answers, checked, then prepared."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from vbench import _plugins
from vbench._invocation import advise_trust, is_trusted
from vbench._leftovers import TemporaryFolder, sweep_once
from vbench._locks import hold_lock
from vbench.data import catalog
from vbench.data.card import RECORD, Card, File
from vbench.data.download import Place, Progress, download
from vbench.data.files import write_whole
from vbench.data.find import TABLES
from vbench.data.formats import BIN_DTYPES
from vbench.data.registries import UnavailableError
from vbench.errors import DataError, VbenchError


def fetch(
    name: str | Path | catalog.Entry,
    *,
    progress: Progress | None = None,
    pause: float = 1.0,
    trust: bool = False,
) -> Path:
    """Fetch a dataset of the catalog, or of a card, into ``_paths.home()/datasets``.

    Of an embedded dataset the tables are fetched that its card adds.

    A file that is here and has its checksum is left alone, one that came half is continued, and
    each place a card names is tried in turn. Where nobody published a checksum, that of the first
    download is recorded, and a later download must have it too. Of two processes that fetch one
    dataset, the second waits, and finds it here.

    Parameters
    ----------
    name
        As `vbench data list` shows it, the path of a card, or an entry of the catalog.
    progress
        Called with (file, bytes so far, bytes in all or None).
    pause
        Seconds before a second attempt; doubled before each further one.
    trust
        Whether a card given by its path may name code that is run (`prepare`).

    Returns
    -------
    The folder that holds it now.

    Raises
    ------
    VbenchError
        No place has the file, its checksum is wrong everywhere, the disk is full, or a card that
        is not of the catalog names code and is not trusted.
    """
    entry = catalog.card_of(name if isinstance(name, catalog.Entry) else catalog.find(name))
    card = entry.card
    if entry.make is not None or not (card.files or card.additions):
        return entry.folder
    prepare = card.additions.prepare if card.additions else card.prepare
    if prepare and entry.is_stranger and not (trust or is_trusted()):
        raise VbenchError(
            f"{entry.path}: its prepare = {prepare!r} is code that would be run; {advise_trust()}"
        )
    progress = progress or (lambda *_: None)
    if card.additions:
        raw = Card(files=card.additions.files)
        files = replace(entry, name=f"{entry.name}-raw", card=raw)
        with hold_lock(entry.fetched_folder, f"fetching {entry.name}"):
            if entry.additions is None:
                _add(entry, fetch(files, progress=progress, pause=pause))
        return entry.folder
    with hold_lock(entry.folder, f"fetching {entry.name}"):
        if not (card.prepare and entry.is_here):
            _bring(entry, progress, pause)
    return entry.folder


def _bring(entry: catalog.Entry, progress: Progress, pause: float) -> None:
    """Have every file of a card here, and what is made of them."""
    card = entry.card
    raw = _raw(entry)
    sweep_once(raw)
    with TemporaryFolder(purpose="packages") as packages:
        files = {
            file.filename: _fetch_file(file, raw, packages, progress, pause) for file in card.files
        }
    if card.prepare:
        _prepare(card.prepare, files, entry.folder)


def _raw(entry: catalog.Entry) -> Path:
    return entry.folder / "raw" if entry.card.prepare else entry.folder


def _fetch_file(file: File, folder: Path, packages: Path, progress: Progress, pause: float) -> Path:
    """Have one file here, with the right checksum; its path."""
    target = folder / file.filename
    known = read_record(folder).get(file.filename)
    first = known.sha256 if known else None
    wanted = file.sha256 or first
    if target.is_file() and (wanted is None or _sha256(target, progress) == wanted):
        return target
    problems: list[str] = []
    for url in file.urls:
        itemsize = np.dtype(BIN_DTYPES.get(target.suffix.lower(), "u1")).itemsize
        place = Place(url, packages, file.rows, itemsize, pause, has_checksum=wanted is not None)
        try:
            part = download(place, target, progress)
        except UnavailableError as error:
            problems.append(str(error))
            continue
        found, size = _sha256(part, progress), part.stat().st_size
        problem = _problem(file, size, found, first)
        if problem is None:
            # Nobody sees it under its name before it is checked.
            part.replace(target)
            facts = {**read_record(folder), file.filename: Recorded(found, url, size)}
            write_whole(folder / RECORD, msgspec.json.format(msgspec.json.encode(facts), indent=2))
            return target
        part.unlink()
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
        f"(where the file was changed on purpose, delete {RECORD} beside it)"
    )


def _sha256(path: Path, progress: Progress) -> str:
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
        while block := stream.read(4 << 20):
            digest.update(block)
            done += len(block)
            progress(f"{path.name}: checksum", done, size)
    return digest.hexdigest()


def recorded_checksums(entry: catalog.Entry) -> Mapping[str, str]:
    """SHA-256 of each fetched file, as it was when it came."""
    return {name: facts.sha256 for name, facts in read_record(_raw(entry)).items()}


def _prepare(function: str, files: Mapping[str, Path], folder: Path) -> None:
    """Run the function of a card in a folder of its own; `base.npy`, the sign, is moved last."""
    with _made(function, files, folder) as fresh:
        if not (fresh / "base.npy").is_file():
            raise DataError(f"{function} made no base.npy")
        for path in sorted(fresh.iterdir(), key=lambda path: path.name == "base.npy"):
            path.replace(folder / path.name)


def _add(entry: catalog.Entry, raw: Path) -> None:
    """Make the tables that are added to an embedded dataset; their sign comes last."""
    additions, folder = entry.card.additions, entry.fetched_folder
    assert additions is not None
    function = additions.prepare
    files = {file.filename: raw / file.filename for file in additions.files}
    (folder / catalog.ADDED).unlink(missing_ok=True)
    with _made(function, files, folder) as fresh:
        made = sorted(fresh.iterdir())
        wrong = [path.name for path in made if path.name not in TABLES.values()]
        if wrong or not made:
            what = f"made {', '.join(wrong)}" if wrong else "made nothing"
            raise DataError(f"{function} {what}; it may add {', '.join(TABLES.values())}")
        for path in made:
            path.replace(folder / path.name)
    write_whole(folder / catalog.ADDED, entry.sign_of_additions().encode())


@contextlib.contextmanager
def _made(function: str, files: Mapping[str, Path], folder: Path) -> Iterator[Path]:
    """Give the folder that a card's function has filled."""
    try:
        make = _plugins.load(function, "function")
    except VbenchError as error:
        raise VbenchError(
            f"the card's prepare = {function!r} cannot be imported: {error}"
        ) from None
    with TemporaryFolder(folder / "preparing") as fresh:
        with _plugins.guard(f"the card's prepare = {function!r} fails"):
            make(files, fresh)
        yield fresh


class Recorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that came: from where, and what it was."""

    sha256: str
    url: str = ""
    bytes: int | None = None


def read_record(folder: Path) -> dict[str, Recorded]:
    """What is on record for the files of a folder, by name.

    Raises
    ------
    DataError
        The record is damaged.
    """
    path = folder / RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Recorded])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: damaged ({error}); delete it, and what is fetched next goes on record anew"
        ) from None
