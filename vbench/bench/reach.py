"""One index in this process: reached where it runs, loaded from a file, or built here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench._process.text import describe_error
from vbench.bench.prepare import MeasureOptions, prepare
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.indexes.answers import check_batch
from vbench.indexes.parameters import is_taken, select_accepted
from vbench.indexes.protocol import Index, can_attach, can_keep, has_exact
from vbench.indexes.recipe import Recipe
from vbench.indexes.registry import resolve
from vbench.indexes.service import Server, hosted
from vbench.indexes.space import Space, plan_space
from vbench.runs.settings import spell

Ids = NDArray[np.int64]


class Target:
    """One index at one setting, and how often it was asked.

    Attributes
    ----------
    original : the row of the dataset that each of its vectors is; None where ids are rows already
    searches, exact_searches : how many of each it was asked
    """

    def __init__(self, index: Index, space: Space, original: Ids | None, k: int) -> None:
        self.index, self.k = index, k
        self._space, self.original = space, original
        self.searches = self.exact_searches = 0

    @property
    def has_exact(self) -> bool:
        """Whether it can search exhaustively itself."""
        return has_exact(type(self.index))

    def search(self, query: NDArray[Any]) -> Ids:
        """Ids of a query (d,) as the index finds them: (k,), −1 pads."""
        self.searches += 1
        given = self._space.queries(query[np.newaxis])
        ids = check_batch([self.index.search_one(given[0], self.k)], 1, self.k)
        return self._rows(ids[0])

    def search_batch(self, queries: NDArray[Any]) -> Ids:
        """Ids of queries (m, d), asked in one call: (m, k), −1 pads."""
        self.searches += len(queries)
        given = self._space.queries(queries)
        return self._rows(check_batch(self.index.search(given, self.k), len(queries), self.k))

    def exact(self, query: NDArray[Any]) -> Ids:
        """Ids of a query (d,) by the exhaustive search of the index: (k,), −1 pads."""
        self.exact_searches += 1
        given = self._space.queries(query[np.newaxis])
        ids = check_batch(self.index.exact(given, self.k), 1, self.k)
        return self._rows(ids[0])

    def _rows(self, ids: Ids) -> Ids:
        if self.original is None:
            return ids
        return np.asarray(np.where(ids < 0, -1, self.original[ids]))


@contextlib.contextmanager
def reach(
    dataset: Dataset,
    index: str | Recipe,
    k: int,
    *,
    settings: Mapping[str, Sequence[Any]] | None,
    connect: Mapping[str, str],
    place: str | None,
    seed: int,
    any_setting: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, Target]]:
    """The index by its name, ready to be asked; nothing that was there before is changed.

    Parameters
    ----------
    place
        A table or collection of the server that `connect` gives, or a file that the index loads.
        Without it the index is built here, over the base vectors of the dataset.
    any_setting
        Several settings are none too many: the caller sets one.

    Raises
    ------
    VbenchError
        The index or its setting is not one, or cannot be reached.
    """
    plan = prepare(
        dataset, [index], settings, MeasureOptions(k=k, builds=1, seed=seed, connect=connect)
    ).plan
    build = plan.builds[0]
    if len(plan.trials) > 1 and not any_setting:
        values = list(dict.fromkeys(spell(each.setting) for each in plan.trials))
        raise VbenchError(
            f"index {build.index!r} has several settings ({', '.join(values[:4])}), and one is "
            f"watched: give {spell_option('settings', _first(plan.trials[0].setting))}"
        )
    kind = resolve(build.adapter)
    _check_place(kind, build.index, connect, place)
    space = plan_space(plan.sources[build.index].transform, dataset.metric, kind.metrics)
    if kind.service is not None and place is not None and space.name != "none":
        raise VbenchError(
            f"index {build.index!r} needs vectors made {space.name} for {dataset.metric}, and what "
            f"lies in {place} is not known to be; watch it by a metric that the service has"
        )
    name = f"{build.index} {'' if any_setting else spell(plan.trials[0].setting)}".strip()
    made = kind(**build.params)
    original: Ids | None = None
    with contextlib.ExitStack() as stack:
        stack.callback(made.close)
        if kind.service is not None and place is not None:
            _attach(made, Server(plan.connect[kind.service.name], place), space)
        elif place is not None:
            _load(made, Path(place), space, dataset)
        else:
            tell(f"{build.index}: building the index here")
            more: dict[str, Any] = {}
            if kind.service is not None:
                more["server"] = stack.enter_context(hosted(kind.service, None))()
                stack.callback(made.close)
            original = _fit(made, space, dataset, seed, more)
        made.set(**plan.trials[0].setting)
        yield name, Target(made, space, original, k)


def _check_place(
    kind: type[Index], name: str, connect: Mapping[str, str], place: str | None
) -> None:
    if connect and place is None:
        raise VbenchError(
            f"index {name!r}: nothing is built in a service that is watched; say which table or "
            f"collection is: {spell_option('place', 'NAME')}"
        )
    if place is None:
        return
    if kind.service is not None and not connect:
        raise VbenchError(
            f"{place} lies in a server; say where that is: "
            f"{spell_option('connect')} {kind.service.name}=URL"
        )
    if kind.service is not None and not can_attach(kind):
        raise VbenchError(
            f"index {name!r} cannot search in what others have built: its class has no attach()"
        )
    if kind.service is None and not can_keep(kind):
        raise VbenchError(
            f"index {name!r} cannot be read from a file: its class has no save() and load(); "
            f"leave out {spell_option('place')} to build it here"
        )


def _attach(index: Index, server: Server, space: Space) -> None:
    try:
        index.attach(server, space.metric)
    except VbenchError:
        raise
    # Each client has errors of its own for a server that cannot be reached.
    except Exception as error:
        said = describe_error(error).replace(server.address, "…")
        raise VbenchError(f"{server.namespace} cannot be reached: {said}") from None


def _load(index: Index, path: Path, space: Space, dataset: Dataset) -> None:
    if not path.exists():
        raise VbenchError(f"{path} does not exist; give a file that the index can load")
    facts = {
        "metric": space.metric,
        "n": dataset.n - dataset.zero_rows,
        "d": space.width(dataset.d),
        "threads": 1,
    }
    try:
        index.load(path, **select_accepted(index.load, **facts))
    # Of a file of something else a library may raise anything.
    except Exception as error:
        raise VbenchError(f"{path} cannot be loaded: {describe_error(error)}") from None


def _fit(
    index: Index, space: Space, dataset: Dataset, seed: int, more: Mapping[str, Any]
) -> Ids | None:
    rows = np.delete(np.arange(dataset.n), dataset.zero_row_ids)
    base = np.zeros((len(rows), space.width(dataset.d)), dtype=np.float32)
    base[:, : dataset.d] = dataset.base[rows]
    space.finish_base(base, dataset.d)
    if is_taken(index.fit, "attributes") and dataset.items is not None:
        more = {**more, "attributes": dataset.items[rows]}
    index.fit(base, space.metric, seed=seed, threads=1, **more)
    return rows if dataset.zero_rows else None


def _first(setting: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: [value] for name, value in setting.items()}
