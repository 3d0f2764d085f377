"""Files out of packages: by the registries' own clients, and nothing of them is run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vbench.data.card import Card, File
from vbench.data.catalog import Entry
from vbench.data.fetch import fetch
from vbench.errors import VbenchError

CONTENT = bytes(range(256)) * 100


def bring(*files: File) -> Path:
    return fetch(Entry("mine", Card(files=list(files))), pause=0.0)


def wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, fails: bool = False
) -> list[list[str]]:
    """Stands in for pip: the wheel lies in a folder, nothing is asked of a network."""
    calls: list[list[str]] = []
    real = tmp_path / "shipped-1.0-py3-none-any.whl"
    with zipfile.ZipFile(real, "w") as archive:
        archive.writestr("shipped/data/x.bin", CONTENT)

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        if fails:
            return subprocess.CompletedProcess(command, 1, "", "ERROR: No matching\n")
        folder = Path(command[command.index("--dest") + 1])
        (folder / real.name).write_bytes(real.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """A client of that name, a process like the real one."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_wheel_is_read_as_a_zip(monkeypatch, tmp_path):
    """A wheel is downloaded, not installed; two files of it are one download."""
    calls = wheel(monkeypatch, tmp_path)
    source = "pypi:shipped==1.0!shipped/data/x.bin"
    folder = bring(File(urls=[source], name="a"), File(urls=[source], name="b"))
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes() == CONTENT
    (command,) = calls
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(command)
    assert command[-1] == "shipped==1.0"
    assert "shipped" not in sys.modules


@pytest.mark.parametrize(
    ("source", "fails", "words"),
    [
        ("pypi:shipped==1.0!shipped/data/y.bin", False, "the wheel has no shipped/data/y.bin"),
        ("pypi:shipped==1.0!shipped/data/x.bin", True, "ERROR: No matching"),
        ("pypi:shipped!x", False, "must be pypi:NAME==VERSION!path/inside/wheel"),
        ("pypi:--index-url==1!x", False, "must be pypi:NAME"),
        ("npm:shipped", False, "must be npm:NAME@VERSION"),
        ("npm:--registry@1", False, "must be npm:NAME@VERSION"),
    ],
)
def test_sources_that_cannot_be_used(monkeypatch, tmp_path, source, fails, words):
    """A package or a file in it that does not exist, or a source spelt wrongly, is told."""
    wheel(monkeypatch, tmp_path, fails=fails)
    with pytest.raises(VbenchError, match=words):
        bring(File(urls=[source], name="x"))


def test_archive_of_an_npm_package(monkeypatch, tmp_path):
    """The package comes as its archive, and none of its scripts is run."""
    npm(
        monkeypatch,
        tmp_path,
        'test "$1 $2" = "pack --ignore-scripts" && printf "%s" "$6" > "$5/vectors-1.0.0.tgz"',
    )
    folder = bring(File(urls=["npm:@some/vectors@1.0.0"], name="a.tar.gz"))
    assert (folder / "a.tar.gz").read_text() == "@some/vectors@1.0.0"


def test_npm_that_fails_or_is_not_there(monkeypatch, tmp_path):
    """What the client said is told, and that there is none."""
    npm(monkeypatch, tmp_path, "echo 'npm error 404 Not Found' >&2; exit 1")
    with pytest.raises(VbenchError, match="404 Not Found"):
        bring(File(urls=["npm:vectors@1.0.0"], name="x"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VbenchError, match="npm is not installed"):
        bring(File(urls=["npm:vectors@1.0.0"], name="x"))
