"""A worker whose index is built, and the steps to it: fitted and kept, or loaded."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from vbench.bench import wire
from vbench.bench.kept import Found, KeptIndex, KeptIndexes, describe
from vbench.bench.session import Session, Steps, TrialError
from vbench.runs.schema import Build


class Live(NamedTuple):
    """A worker whose index is built. `fit_cores`: CPU time / wall time of all it started.

    `altered` are the changes of its base since. `kept` is the digest of its kept copy, if there is
    one; `built` says when it was built, if it was loaded from such a copy, in `load_seconds`. All
    else of a loaded index is that of the build. `beside` is how many others were built meanwhile.
    """

    session: Session
    opened: wire.Opened
    fitted: wire.Fitted
    fit_cores: float | None
    altered: tuple[wire.Altered, ...] = ()
    kept: str | None = None
    built: str | None = None
    load_seconds: float | None = None
    beside: int = 0


def fit(session: Session, order: wire.Open, timeout: float | None) -> Steps[Live]:
    """Build the index of an order.

    Raises
    ------
    TrialError
    """
    opened, _ = yield from session.asking(order, wire.Opened, timeout=timeout, doing="loading")
    service = session.service
    if service is None:
        fitted, _ = yield from session.asking(wire.Fit(), wire.Fitted, timeout=timeout, doing="fit")
        return Live(session, opened, fitted, session.cores_seen)
    with service.watch() as peak:
        fitted, _ = yield from session.asking(wire.Fit(), wire.Fitted, timeout=timeout, doing="fit")
        cores = session.cores_seen
    fitted = msgspec.structs.replace(fitted, peak_bytes=peak.bytes)
    service.wait_until_quiet()
    return Live(session, opened, fitted, cores)


def keep(live: Live, build: Build, kept: KeptIndexes, timeout: float | None) -> Steps[Live]:
    """Save an index that was just built where it will be found again.

    Raises
    ------
    NotKeptError, VbenchError
        There is no room.
    TrialError
        The index cannot be saved.
    """
    with kept.make_room(build, live.fitted.index_bytes) as folder:
        ask = wire.Save(folder=str(folder))
        saved, _ = yield from live.session.asking(ask, wire.Saved, timeout=timeout, doing="save")
        index = KeptIndex(
            build=build,
            opened=live.opened,
            fitted=live.fitted,
            fit_cores=live.fit_cores,
            beside=live.beside,
            files=saved.files,
        )
        describe(folder, index)
    return live._replace(kept=index.digest)


def load(session: Session, order: wire.Open, timeout: float | None, *, found: Found) -> Steps[Live]:
    """Load the index of an order from where it was kept.

    Raises
    ------
    TrialError
        Its files are damaged, or it was built by other kernels of its libraries.
    """
    order = msgspec.structs.replace(order, is_loaded=True)
    ask = wire.Load(folder=str(found.folder), files=found.facts.files)
    opened, _ = yield from session.asking(order, wire.Opened, timeout=timeout, doing="loading")
    loaded, _ = yield from session.asking(ask, wire.Loaded, timeout=timeout, doing="load")
    index = found.facts
    for library, kernel in loaded.kernels.items():
        if (then := index.fitted.kernels.get(library, kernel)) != kernel:
            raise TrialError(f"{library} was {then} when it was built, is {kernel}", fatal=False)
    fitted = msgspec.structs.replace(index.fitted, version=loaded.version)
    return Live(
        session,
        opened,
        fitted,
        index.fit_cores,
        kept=index.digest,
        built=index.built,
        load_seconds=loaded.seconds,
        beside=index.beside,
    )
