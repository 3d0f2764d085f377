"""The run folder's documents: whole or not there, readable again, and clear about damage."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from run_folder import answered

from vbench.errors import DamagedFileError, VbenchError
from vbench.runs import digests, files
from vbench.runs.schema import RUN_SCHEMA


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "damaged"),
        (b"[]", "no schema"),
        (b'{"schema": {"a": 1}}', "no schema"),
        (b'{"schema": "vbench.run/99"}', "digest"),
        (b'{"schema": "vbench.run/2", "a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "damaged"),
        (b'{"schema": "vbench.run/1", "machine": 3}', "damaged"),
        (json.dumps({"schema": RUN_SCHEMA}).encode(), "damaged"),
        (b"\xff\xfe", "damaged"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    """Whatever is wrong with it, the file is named."""
    (tmp_path / files.MANIFEST).write_bytes(content)
    with pytest.raises(VbenchError, match=rf"run\.json.*{says}"):
        files.read_manifest(tmp_path)


def test_a_manifest_of_a_newer_version_is_told_apart(tmp_path: Path) -> None:
    """It is not called damaged: a newer vbench reads it."""
    files.write_json(tmp_path / files.MANIFEST, {"schema": "vbench.run/99"})
    with pytest.raises(VbenchError, match="newer vbench"):
        files.read_manifest(tmp_path)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    """The message says what kind of folder is wanted."""
    with pytest.raises(VbenchError, match="holds no run"):
        files.read_manifest(tmp_path)


def test_a_manifest_that_was_edited_is_noticed(tmp_path: Path) -> None:
    """The digest is of every value; white space is nobody's."""
    answered(tmp_path / "run", {"hnsw": {16: [[1, 2, 3]]}})
    path = tmp_path / "run" / files.MANIFEST
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content))
    assert files.read_manifest(tmp_path / "run").trials[0].setting == {"ef": 16}
    path.write_text(json.dumps(content).replace('"ef": 16', '"ef": 17'))
    with pytest.raises(DamagedFileError, match=r"run\.json.*digest"):
        files.read_manifest(tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"build": "nope"}, "build 'nope'"),
        ({"k": 10**15}, "K=1000000000000000"),
        ({"key": "../../other/trials/b0-0-16-10"}, "is no key"),
        ({"view": "nowhere"}, "view 'nowhere'"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    """Also where somebody has made the digest right."""
    run = answered(tmp_path / "run", {"hnsw": {16: [[1, 2, 3]]}})
    trial = msgspec.structs.replace(run.manifest.trials[0], **change)
    files.write_manifest(run.path, msgspec.structs.replace(run.manifest, trials=[trial]))
    with pytest.raises(DamagedFileError, match=rf"run\.json.*{says}"):
        files.read_manifest(run.path)


def test_numbers_that_are_not_finite_are_kept(tmp_path: Path) -> None:
    """JSON has no word for NaN and infinities; run.json has."""
    run = answered(tmp_path / "run", {"hnsw": {16: [[1, 2, 3]]}})
    params = {"a": float("nan"), "b": [float("inf"), {"c": -float("inf")}], "d": 0.5}
    build = msgspec.structs.replace(run.manifest.builds[0], params=params)
    files.write_manifest(run.path, msgspec.structs.replace(run.manifest, builds=[build]))
    assert repr(files.read_manifest(run.path).builds[0].params) == repr(params)


def test_a_document_of_the_first_version_needs_no_digest(tmp_path: Path) -> None:
    """It had none; one that has a digest must have the right one."""
    path = tmp_path / "comparisons.json"
    path.write_text('{"schema": "vbench.compare/1", "a": 1}')
    assert files.read_json(path) == {"schema": "vbench.compare/1", "a": 1}
    files.write_json(path, {"schema": "vbench.compare/1", "a": 1})
    path.write_text(path.read_text().replace('"a": 1', '"a": 2'))
    with pytest.raises(DamagedFileError, match="digest"):
        files.read_json(path)


def test_what_is_set_aside_covers_nothing(tmp_path: Path) -> None:
    """Two files of one name are both kept."""
    for content in ("one", "two"):
        (tmp_path / "trial.parquet").write_text(content)
        files.set_aside(tmp_path, tmp_path / "trial.parquet")
    kept = sorted(path.read_text() for path in (tmp_path / files.OLD).iterdir())
    assert kept == ["one", "two"]


def test_a_digest_is_of_values_and_not_of_order() -> None:
    """Keys of an object have no order; NaN and None differ."""
    assert digests.of_document({"a": 1, "b": 2}) == digests.of_document({"b": 2, "a": 1})
    assert digests.of_document([float("nan")]) != digests.of_document([None])
