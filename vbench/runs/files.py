"""Where the files of a run folder lie, and its JSON documents; a file is there whole or not at all.

Each carries its schema and a digest of what it says.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from vbench._invocation import spell_option
from vbench.data.files import write_whole
from vbench.errors import DamagedFileError, VbenchError
from vbench.runs import digests
from vbench.runs.digests import tag, untag
from vbench.runs.schema import RUN_SCHEMA, STATIC, Manifest
from vbench.runs.upgrade import upgrade

MANIFEST = "run.json"
QUERIES = "queries.parquet"
ITEMS = "items.parquet"
GROUND_TRUTH = "ground_truth"
TRIALS = "trials"
OLD = "old"
COMPARISONS = "comparisons.json"
INTERNALS = "internals.json"
COMBINED = "combined.json"
GRAPHS = "graphs"
RANK = "rank.json"
TUNE = "tune.json"
PARTS = "parts"
"""Folder that workers of a cluster write to, until what they have made is taken from there."""
_DERIVED = ("hardness-*.parquet", "rank-*.json")
_KEY = re.compile(r"[\w.=-]{1,120}")
_AGAIN = "give the same `vbench run` again, which keeps what was measured"


class HeldError(VbenchError):
    """Another process writes a run folder."""


@contextlib.contextmanager
def hold_folder(folder: Path, name: str | None = None) -> Iterator[None]:
    """Hold the folder against a second run in it; `name` is what the caller calls it.

    Raises
    ------
    HeldError
        When another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no flock; there two runs in one folder are not noticed.
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeldError(
                f"another vbench run is writing {name or folder}; wait for it, or give another "
                f"{spell_option('out')}"
            ) from None
        yield
    finally:
        os.close(descriptor)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write run.json."""
    write_json(folder / MANIFEST, tag(msgspec.to_builtins(manifest)))


def read_manifest(folder: Path) -> Manifest:
    """Read run.json, whatever version of the schema wrote it.

    Raises
    ------
    DamagedFileError
        When it is not what vbench wrote.
    VbenchError
        When the folder holds no run, or one that a newer vbench wrote.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise VbenchError(
            f"{folder} holds no run (no {MANIFEST}); give a folder that `vbench run` left"
        )
    document = upgrade(untag(_decoded(path)), RUN_SCHEMA, path)
    try:
        manifest = msgspec.convert(document, Manifest)
    except msgspec.ValidationError as error:
        raise DamagedFileError(path, str(error), _AGAIN) from None
    problem = _disagreement(manifest)
    if problem:
        raise DamagedFileError(path, problem, _AGAIN)
    return manifest


def _disagreement(manifest: Manifest) -> str:
    """In what a manifest contradicts itself; empty where it does not."""
    builds = {build.key for build in manifest.builds}
    views = {view.key for view in manifest.views}
    loads = {load.key for load in manifest.loads}
    for key in [*builds, *views, *loads, *(trial.key for trial in manifest.trials)]:
        if not _KEY.fullmatch(key) or key.startswith("."):
            return f"{key[:80]!r} is no key"
    for trial in manifest.trials:
        for kind, key, known in (
            ("build", trial.build, builds),
            ("view", trial.view, views),
            ("load", trial.load, loads),
        ):
            if key not in known:
                return f"trial {trial.key} is of {kind} {key[:80]!r}, which is not there"
        if not 1 <= trial.k <= max(1, manifest.dataset.n):
            return f"trial {trial.key} has K={trial.k} of {manifest.dataset.n} base vectors"
    return ""


def trial_path(folder: Path, key: str) -> Path:
    """Where a trial's file lies; that it is there means that the trial is done."""
    return folder / TRIALS / f"{key}.parquet"


def ground_truth_path(folder: Path, view: str) -> Path:
    """Where the exact neighbors of a view lie."""
    return folder / GROUND_TRUTH / f"{view}.parquet"


def rank_path(folder: Path, view: str = STATIC) -> Path:
    """Where a ranking of the run in a view lies; schema 1 had another name for it."""
    if view != STATIC:
        return folder / f"rank-{view}.json"
    old = folder / "ranking.json"
    return old if old.is_file() and not (folder / RANK).is_file() else folder / RANK


def derived_paths(folder: Path) -> list[Path]:
    """What a run folder holds beside manifest and trials; gone where the run is made anew."""
    names = (QUERIES, ITEMS, COMPARISONS, INTERNALS, RANK, TUNE, "inside.json", "ranking.json")
    folders = (folder / GROUND_TRUTH).glob("*.parquet")
    others = (path for each in _DERIVED for path in folder.glob(each))
    return [*(folder / name for name in names), *folders, *others]


def set_aside(folder: Path, path: Path) -> Path:
    """Move a file of the run to its folder of old files; where it lies now."""
    old = folder / OLD
    old.mkdir(exist_ok=True)
    target, number = old / path.name, 1
    while target.exists():
        number += 1
        target = old / f"{path.stem}.{number}{path.suffix}"
    path.replace(target)
    return target


def write_json(path: Path, document: Any) -> None:
    """Write a document with the digest of what else it says; NaN and infinities become null."""
    plain = msgspec.json.decode(msgspec.json.encode(document))
    plain.pop("digest", None)
    plain = {"schema": plain.pop("schema"), "digest": digests.of_document(plain), **plain}
    write_whole(path, msgspec.json.format(msgspec.json.encode(plain), indent=2))


def read_json(path: Path, remedy: str = "delete it") -> Any:
    """Read a document, or None where there is none.

    Raises
    ------
    DamagedFileError
        When it is not what vbench wrote.
    """
    if not path.is_file():
        return None
    return {key: each for key, each in _decoded(path, remedy).items() if key != "digest"}


def read_plain(path: Path) -> Mapping[str, Any]:
    """A document of the first version, which carried no schema; empty where there is none."""
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _decoded(path: Path, remedy: str = _AGAIN) -> Any:
    """A document of ours, its digest checked where its schema has one."""
    document: Any
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise DamagedFileError(path, str(error) or type(error).__name__, remedy) from None
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        raise DamagedFileError(path, "it carries no schema: not written by vbench", remedy)
    # The first version of every schema had no digest.
    if "digest" in document or not document["schema"].endswith("/1"):
        said = document.get("digest")
        rest = {key: each for key, each in document.items() if key not in ("schema", "digest")}
        try:
            found = digests.of_document(rest)
        except RecursionError:
            found = ""
        if said != found:
            raise DamagedFileError(path, "its digest is not that of what it says", remedy)
    return document
