"""What stands watch: :func:`vbench.watch`. Nothing heavy is imported before it is called."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from vbench._arguments import check_arguments, check_choice
from vbench.api.given import as_dataset
from vbench.errors import VbenchError

if TYPE_CHECKING:
    from vbench.analysis.watching import Look, Watch
    from vbench.api.given import Progress
    from vbench.api.measuring import AnyIndex
    from vbench.data.dataset import Dataset
    from vbench.data.find import Data
    from vbench.metric import Metric


@check_arguments
def watch(
    dataset: Dataset | Data,
    index: AnyIndex,
    promise: str,
    *,
    queries: Data | None = None,
    metric: Metric | str | None = None,
    settings: Mapping[str, Any] | None = None,
    sample: str | float = "1%",
    at_most: str | int | None = None,
    connect: Mapping[str, str] | None = None,
    place: str | Path | None = None,
    exact: Literal["service", "dataset"] | None = None,
    filter: str | None = None,  # noqa: A002 (as the option)
    where: str | Sequence[str] = (),
    alpha: float = 0.01,
    seed: int = 0,
    lines: str | Path | None = None,
    prometheus: str | Path | None = None,
    page: str | Path | None = None,
    progress: Progress = None,
) -> Watch:
    """Hold a promise against an index that is in use, by asking few of its queries again, exactly.

    However often it is looked at, a promise that is kept is called broken with a probability of
    `alpha` at most (Ville's inequality; Waudby-Smith and Ramdas, 2024).

    Parameters
    ----------
    dataset, metric
        The base vectors and the metric, as :func:`vbench.run` has them. Ids of the index are row
        numbers of these.
    index
        One index, as :func:`vbench.run` takes it.
    promise
        ``"Robustness(delta=0.9)@10>=0.76"``; also Failure and Recall.
    queries
        A log of JSON lines that is read as far as it goes, ``"-"`` for standard input, or vectors
        as :func:`vbench.load` takes them. Default: those of the dataset. A line is a list of
        numbers or ``{"vector": […], "ids": […], "country": "SE"}``; with `ids`, what the service
        answered, it is not searched again.
    settings
        Its one setting, ``{"ef_search": 40}``, and build parameters.
    sample
        The share of the queries that is asked again.
    at_most
        Never more of them than this: 500 in all, or ``"10/min"`` in any minute.
    connect, place
        The server, and the table or collection there, which is searched and never changed; or in
        `place` a file that the index loads. Default: the index is built here.
    exact
        Who searches exactly: the `service`, by the index's own exhaustive search, which is the
        default where it has one; or vbench over the `dataset`.
    filter
        Under this filter, as :func:`vbench.run` takes it.
    where
        Only queries of this segment, ``"country=SE"``.
    alpha
        Probability of a false alarm, at most.
    seed
        Draws the sample, and the order of a dataset's queries.
    lines
        A file of JSON lines that grows with each shadow search.
    prometheus
        A text file for Prometheus, written every few seconds and at the end.
    page
        An HTML page, written as often.
    progress
        As :func:`vbench.run` has it.

    Returns
    -------
    Watch
        It ends when the promise is broken, `at_most` are asked or the queries are over.

    Raises
    ------
    VbenchError
        The call is wrong, the index cannot be reached, or a line of the log is no query.
    """
    from vbench.indexes.given import take_indexes
    from vbench.render.terminal.output import shown_progress
    from vbench.watching.budget import Budget, read_limit, read_share
    from vbench.watching.queries import is_log
    from vbench.watching.record import read_promise, to_line
    from vbench.watching.watch import Asked
    from vbench.watching.watch import watch as look

    found = read_promise(promise)
    if exact is not None:
        check_choice("exact", exact, ("service", "dataset"))
    if not 0.0 < alpha < 1.0:
        raise VbenchError(f"alpha={alpha:g}; give a probability between 0 and 1, such as 0.01")
    most, seconds = read_limit(at_most)
    budget = Budget(read_share(sample), most, seconds, seed=seed)
    log = str(queries) if isinstance(queries, str | Path) and is_log(queries) else None
    if log is None:
        data = as_dataset(dataset, queries, metric)
    else:
        data = as_dataset(dataset, _stand_in(dataset), metric)
    asked = Asked(
        settings=settings,
        queries=log,
        connect=connect or {},
        place=None if place is None else str(place),
        exact=exact,
        filter=filter,
        where=[*found.where, *([where] if isinstance(where, str) else where)],
        alpha=alpha,
        seed=seed,
    )
    outputs = _Outputs(prometheus, page)
    stream = None if lines is None else _open(Path(lines))

    def on_look(seen: Look, value: float) -> None:
        if stream is not None:
            stream.write(to_line(seen, at=time.time(), measure=value))
            stream.flush()

    try:
        with take_indexes([index]) as taken, shown_progress(progress) as tell:
            (only,) = taken.indexes
            return look(
                data,
                only,
                found,
                budget,
                asked,
                on_look=on_look,
                publish=outputs.write,
                tell=lambda doing: tell(doing, 0, 0),
            )
    finally:
        if stream is not None:
            stream.close()


def _stand_in(dataset: Any) -> Any:
    """What stands for the queries of vectors that have none, as a log has them: themselves."""
    from vbench.data.dataset import Dataset
    from vbench.watching.queries import stand_in

    if isinstance(dataset, str | Path):
        return stand_in(str(dataset))
    return None if isinstance(dataset, Dataset) else dataset


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise VbenchError(f"{path} cannot be written: {error.strerror}") from None


class _Outputs:
    """The files that are written again and again, each whole or not there."""

    def __init__(self, prometheus: str | Path | None, page: str | Path | None) -> None:
        self._prometheus, self._page = prometheus, page
        for path in (prometheus, page):
            if path is not None and not Path(path).resolve().parent.is_dir():
                raise VbenchError(f"{path}: there is no folder {Path(path).resolve().parent}")

    def write(self, found: Watch) -> None:
        from vbench.data.files import write_whole

        if self._prometheus is not None:
            from vbench.watching.prometheus import to_prometheus

            write_whole(Path(self._prometheus), to_prometheus(found, time.time()).encode())
        if self._page is not None:
            from vbench.render.watching import to_page

            write_whole(Path(self._page), to_page(found).encode())
