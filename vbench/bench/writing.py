"""Where a run writes: a folder, or one here that is put to an address while it grows.

At an address one call writes at a time: it says so there by a lease, which it renews. One that is
not renewed is of a call that was killed, and is taken over.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from vbench import _invocation
from vbench._invocation import spell_option
from vbench.data.importing.remote import is_remote
from vbench.data.store import Store
from vbench.errors import VbenchError, warn
from vbench.runs import files
from vbench.runs.mirror import LEASE, Mirror

_PUT_EVERY_SECONDS = 5.0
_RENEW_EVERY_SECONDS = 5.0
_DEAD_SECONDS = 30.0
"""A lease that is not renewed for so long is that of a dead process."""


class Writing(NamedTuple):
    """The folder that a run is written to, if one was given, and the address that it follows to."""

    folder: Path | None
    mirror: Mirror | None = None


@contextlib.contextmanager
def writing_to(out: str | Path | None) -> Iterator[Writing]:
    """Where the caller wants a run to be written.

    Of an address, what it has is brought here first, and what is written here is put there, every
    few seconds and in the end, however that comes.

    Raises
    ------
    VbenchError
        The address cannot be used, holds something else, or another call writes there.
    """
    if not is_remote(out):
        yield Writing(None if out is None else Path(out))
        return
    mirror = Mirror(str(out))
    mirror.place.mkdir(parents=True, exist_ok=True)
    with (
        files.hold_folder(mirror.place, mirror.store.address),
        _leased(mirror.store, _id_of(mirror.place)) as is_ours,
    ):
        mirror.bring()
        try:
            with _every(_PUT_EVERY_SECONDS, mirror.put):
                yield Writing(mirror.folder, mirror)
        finally:
            if is_ours():
                mirror.put()
        if not is_ours():
            raise VbenchError(
                f"another vbench run took {mirror.store.address} over, as this one was not heard "
                f"of for {_DEAD_SECONDS:g} s; what it measured lies in {mirror.folder}"
            )
    if _invocation.say is not None:
        _invocation.say(f"the run lies at {mirror.store.address}, and is mirrored here")


class _Lease(msgspec.Struct):
    """Who writes at an address, by the folder here that mirrors it; `beat` counts on."""

    place: str
    host: str
    token: str
    beat: int = 0


@contextlib.contextmanager
def _leased(store: Store, place: str) -> Iterator[Callable[[], bool]]:
    """Hold the lease of an address; whether it is held still."""
    mine = _Lease(place, socket.gethostname(), secrets.token_hex(8))
    _take(store, mine)
    lost = threading.Event()

    def renew() -> None:
        there = _read(store)
        if there is not None and there.token != mine.token:
            lost.set()
        if not lost.is_set():
            mine.beat += 1
            store.write(LEASE, msgspec.json.encode(mine))

    try:
        with _every(_RENEW_EVERY_SECONDS, renew):
            yield lambda: not lost.is_set()
    finally:
        if not lost.is_set():
            store.remove([LEASE])


def _take(store: Store, mine: _Lease) -> None:
    content = msgspec.json.encode(mine)
    if store.create(LEASE, content):
        return
    first, began = _read(store), time.monotonic()
    # What was written from this folder is of a dead process: the folder is held here.
    while first is not None and first.place != mine.place:
        if (now := _read(store)) != first:
            if now is None and store.create(LEASE, content):
                return
            raise files.HeldError(
                f"another vbench run ({first.host}) is writing {store.address}; wait for it, or "
                f"give another {spell_option('out')}"
            )
        if time.monotonic() - began > _DEAD_SECONDS:
            warn(f"{store.address}: goes on with a run of {first.host} that was killed")
            break
        time.sleep(_DEAD_SECONDS / 20)
    store.write(LEASE, content)


def _read(store: Store) -> _Lease | None:
    found = store.read(LEASE)
    try:
        return None if found is None else msgspec.json.decode(found, type=_Lease)
    except msgspec.DecodeError:
        return _Lease("", "unknown", "")


def _id_of(place: Path) -> str:
    """What tells a folder here from those of other machines."""
    path = place / "id"
    if not path.is_file():
        path.write_text(secrets.token_hex(8))
    return path.read_text()


@contextlib.contextmanager
def _every(seconds: float, work: Callable[[], None]) -> Iterator[None]:
    """Do some work beside, again and again; what fails then is tried again the next time."""
    stop = threading.Event()

    def go() -> None:
        while not stop.wait(seconds):
            with contextlib.suppress(VbenchError):
                work()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
