"""`vbench.load`: a dataset by its name in the catalog or by path, checked before any work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vbench.data import catalog, check, siblings, tables
from vbench.data.arrays import accept, first_line
from vbench.data.card import Card
from vbench.data.check import check_k as check_k
from vbench.data.check import duplicates as duplicates
from vbench.data.dataset import Dataset, Truth
from vbench.data.find import Array, Parts, Vectors, find
from vbench.data.formats import read_array, read_contents
from vbench.data.select import selected
from vbench.data.truth import given_truth
from vbench.errors import DataError, VbenchError
from vbench.metric import METRICS, Metric, known_metric
from vbench.trust import trusting

if TYPE_CHECKING:
    import polars as pl


def load(
    name_or_path: str | Path | Vectors,
    *,
    queries: Array | None = None,
    metric: Metric | str | None = None,
    ground_truth: Array | Truth | Literal[False] | None = None,
    truth: Array | Truth | Literal[False] | None = None,
    segments: pl.DataFrame | Path | str | None = None,
    items: pl.DataFrame | Path | str | None = None,
    relevance: pl.DataFrame | Path | str | None = None,
    name: str | None = None,
    trust: bool = False,
) -> Dataset:
    """Open a dataset and check it.

    Parameters
    ----------
    name_or_path
        A name of the catalog (`vbench data list`); a file (HDF5 of ann-benchmarks or VIBE,
        `.fvecs/.bvecs`, `.fbin/.f16bin/.u8bin/.i8bin`, `.npy/.npz`, Parquet); a folder
        in vbench's own layout or VectorDBBench's; a card; or the base vectors themselves (n, d).
        float32, float16, int8 and uint8 are kept as they are; float64, bfloat16 and wider
        integers become float32.
    queries
        (m, d), or a file of them, where the file at `name_or_path` holds none and none with the
        usual name (`sift_query.fvecs` for `sift_base.fvecs`) lies beside it.
    metric
        `l2`, `ip` or `cosine`, or another tool's word for it (`euclidean`, `dot`, `angular`);
        needed where neither file nor card says it.
    ground_truth
        Ids of the true neighbours (m, depth), or a file of them; −1 ends a shorter row. It is
        checked, and never used in place of our own. False ignores what comes with a file.
    truth
        Another name of `ground_truth`.
    segments, items, relevance
        Frames, or Parquet or CSV files: m rows, n rows, and columns `query`, `item`[, `grade`].
    trust
        Whether the files come from somebody you trust, and arrays far larger than their file are
        unpacked.

    Raises
    ------
    DataError, VbenchError
        One message that names the file, the row and the column, and says what to do.
    UnknownNameError
        Neither a name nor a path; with the nearest names.

    Examples
    --------
    >>> import numpy as np, vbench
    >>> points = np.random.default_rng(0).normal(size=(1000, 8))
    >>> dataset = vbench.load(points, queries=points[:10] + 0.1, metric="l2", name="mine")
    >>> dataset.n, dataset.m, dataset.d, dataset.base.dtype.name
    (1000, 10, 8, 'float32')
    """
    if metric is not None:
        metric = known_metric(metric, "metric")
    if truth is not None and ground_truth is not None:
        raise VbenchError("ground_truth and truth are two names of one argument; give one")
    found = find(name_or_path)
    if isinstance(found, Dataset):
        found = Parts(
            found.name,
            found.base,
            found.queries,
            found.given_truth,
            found.metric,
            found.segments,
            found.items,
            found.relevance,
            Card(**{k: v for k, v in found.card.items() if k in Card.__struct_fields__}),
        )
    if queries is not None:
        # What describes the dataset's own queries says nothing of others.
        found = replace(found, truth=None, segments=None, relevance=None)
    given: dict[str, Any] = {
        "queries": queries,
        "metric": metric,
        "truth": truth if ground_truth is None else ground_truth,
        "segments": segments,
        "items": items,
        "relevance": relevance,
        "name": name,
    }
    given = {role: value for role, value in given.items() if value is not None}
    with trusting(trust):
        dataset = _assemble(replace(found, **given))
    return replace(dataset, source=_source({"name_or_path": name_or_path, **given}))


def _source(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that open the dataset again from any folder; empty where one is not on disk."""
    found: dict[str, Any] = {}
    for role, value in arguments.items():
        if value is False or role in ("metric", "name"):
            found[role] = value
        elif not isinstance(value, str | Path):
            return {}
        elif role == "name_or_path" and value in catalog.names():
            found[role] = value
        else:
            found[role] = str(Path(value).expanduser().resolve())
    return found


def _assemble(parts: Parts) -> Dataset:
    """Open every part, check each by itself and all against each other."""
    base, queries, truth, metric = _open(parts)
    where = _where(parts.base, "base")
    if queries is None:
        raise DataError(
            f"{where}: holds base vectors only; give queries=FILE (--queries FILE)"
            f"{siblings.advice(parts.base)}"
        )
    asked = _where(parts.queries, f"{where}: queries")
    if metric is None:
        raise DataError(
            f"{where}: does not say its metric; give metric= (--metric) "
            f"as one of {', '.join(METRICS)}"
        )
    check.check_same_dimensions(queries, base, asked)
    check.check_vectors(queries, metric, asked)
    check.check_vectors(base, metric, where)
    _check_card(parts.card, base, queries, where)
    segments, items, relevance = (
        _frame(part) for part in (parts.segments, parts.items, parts.relevance)
    )
    if segments is not None:
        place = _where(parts.segments, "segments")
        check.check_rows(segments, len(queries), "queries", place)
        check.check_columns(segments, parts.card.segments, place)
        check.check_flat(segments, place)
    if items is not None:
        place = _where(parts.items, "items")
        check.check_rows(items, len(base), "base vectors", place)
        check.check_columns(items, parts.card.items, place)
    if relevance is not None:
        place = _where(parts.relevance, "relevance")
        check.check_relevance(relevance, len(queries), len(base), place)
    known = None
    if isinstance(truth, np.ndarray):
        source = parts.truth if isinstance(parts.truth, Path | str) else None
        known = given_truth(
            truth, queries, base, metric, where=_where(source, f"{where}: its truth")
        )
    made = Dataset(
        parts.name,
        base,
        queries,
        metric,
        segments,
        items,
        relevance,
        known,
        parts.card.facts(),
    )
    return selected(made, parts.card.where) if parts.card.where else made


def _open(parts: Parts) -> tuple[Vectors, Vectors | None, Vectors | None, Metric | None]:
    """Open the arrays; what the call gives goes before what the file holds or lies beside it."""
    queries, truth, metric = parts.queries, parts.truth, parts.metric
    if isinstance(parts.base, Path | str):
        path = Path(parts.base)
        contents = read_contents(path)
        base, metric = contents.base, metric or contents.metric
        own = queries is None
        if own:
            queries = parts.queries = contents.queries
        if queries is None:
            queries = parts.queries = siblings.queries_of(path)
        if truth is None and own:
            # Truth that lies with the base belongs to the queries that lie there too.
            truth = contents.truth
            if truth is None:
                truth = parts.truth = siblings.truth_of(path)
    else:
        base = accept(parts.base, "base")
    if isinstance(queries, Path | str):
        queries = _read_queries(Path(queries))
    elif queries is not None:
        queries = accept(np.asarray(queries), "queries")
    if isinstance(truth, Path | str):
        truth = read_array(Path(truth), ids=True)
    elif isinstance(truth, Truth):
        truth = truth.ids
    elif truth is not None and truth is not False:
        truth = accept(np.asarray(truth), "truth", ids=True)
    return base, queries, truth if isinstance(truth, np.ndarray) else None, metric


def _read_queries(path: Path) -> Vectors:
    """Take the queries of a file that has some, else its only array."""
    contents = read_contents(path)
    return contents.base if contents.queries is None else contents.queries


def _check_card(card: Card, base: Vectors, queries: Vectors, where: str) -> None:
    for key, stated, found in (
        ("n", card.n, len(base)),
        ("m", card.m, len(queries)),
        ("d", card.d, base.shape[1]),
    ):
        if stated is not None and stated != found:
            raise DataError(
                f"{where}: the card says {key} = {stated}, the files have {found}; "
                "correct the card or bring the right files"
            )


def _frame(source: Any) -> pl.DataFrame | None:
    import polars as pl

    if source is None:
        return None
    if isinstance(source, pl.DataFrame):
        return source
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.suffix.lower() not in {".parquet", ".csv"}:
        raise DataError(f"{path}: a table is read from .parquet or .csv")
    try:
        return tables.read_csv(path) if path.suffix.lower() == ".csv" else tables.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: cannot be read: {first_line(error)}") from None


def _where(source: Any, otherwise: str) -> str:
    return str(source) if isinstance(source, Path | str) else otherwise
