"""`vbench.load`: a dataset by its name in the catalog or by path, checked before any work."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from vbench._arguments import check_arguments
from vbench._invocation import spell_option, trusting
from vbench.data import catalog
from vbench.data.assemble import assemble
from vbench.data.card import Card
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.find import Array, Data, Parts, Tabular, find
from vbench.data.id_tables import name_by_ids, sides
from vbench.data.importing.remote import is_remote
from vbench.data.object_store import kept_copy, local
from vbench.data.select import sample_base, sample_queries
from vbench.errors import DataError, VbenchError
from vbench.metric import Metric, known_metric

_PARTS = ("queries_at_most", "queries_seed", "base_at_most", "base_seed")


@check_arguments
def load(
    name_or_path: Data,
    *,
    queries: Data | None = None,
    metric: Metric | str | None = None,
    ground_truth: Array | GroundTruth | Literal[False] | None = None,
    truth: Array | GroundTruth | Literal[False] | None = None,
    segments: Tabular | Path | str | None = None,
    items: Tabular | Path | str | None = None,
    relevance: Tabular | Path | str | None = None,
    interactions: Tabular | Path | str | None = None,
    on: str | Sequence[str] | None = None,
    column: str | None = None,
    name: str | None = None,
    hold_out: int | None = None,
    learn: int | Data | Literal[False] | None = None,
    queries_at_most: int | None = None,
    queries_seed: int = 0,
    base_at_most: int | None = None,
    base_seed: int = 0,
    trust: bool = False,
) -> Dataset:
    """Open a dataset and check it.

    Parameters
    ----------
    name_or_path
        A name of the catalog (`vbench data list`); a file (HDF5 of ann-benchmarks or VIBE,
        `.fvecs/.bvecs`, `.fbin/.f16bin/.u8bin/.i8bin`, `.npy/.npz`, Parquet); a folder
        in vbench's own layout or VectorDBBench's; a folder or a pattern (`emb_*.npy`) of the parts
        of a table; a card; an address of an object store or a hub (``s3://bucket/base.npy``), of
        which a copy is kept here; or the base vectors themselves: (n, d), or a table of polars,
        pandas or Arrow with a column of them.
        float32, float16, int8 and uint8 are kept as they are; float64, bfloat16 and wider
        integers become float32. Arrays are copied.
        Columns beside the lists of a Parquet file describe the items, or the queries.
    queries
        (m, d), a table or a file of them, where the file at `name_or_path` holds none and none
        with the usual name (`sift_query.fvecs` for `sift_base.fvecs`) lies beside it.
    metric
        `l2`, `ip` or `cosine`, or another tool's word for it (`euclidean`, `dot`, `angular`);
        needed where neither file nor card says it.
    ground_truth
        Ids of the true neighbors (m, depth), or a file of them; −1 ends a shorter row. It is
        checked, and never used in place of our own. False ignores what comes with a file.
    truth
        Another name of `ground_truth`.
    segments, items
        Frames, or Parquet or CSV files: a row for each query, and for each base vector. They are
        joined to what the dataset has by the column that both have, if it tells the rows apart;
        without a common column their order counts, which is said of a file.
    relevance, interactions
        The same, with columns `query`, `item`[, `grade`]: ids, where the dataset has some, or
        row numbers from 0. Interactions are what the queries' users had already.
    on
        The column to join segments, items and ground truth by, or several, where that is not
        clear; `OURS=THEIRS` where the two call it differently.
    column
        The column of vectors of a Parquet file or a table, where there are several; of vectors
        that have a column for each dimension, what these columns begin with.
    hold_out
        Ask queries that the base does not hold. Where there are no queries, that many base
        vectors, always the same, become the queries; where queries are base vectors, that many of
        these are kept. All base vectors that equal a query leave the base; the others keep their
        ids, or their row numbers as ids.
    learn
        Queries that an index may learn from and that are never asked: an array, a table or a file
        of them, or how many to take out of the queries, always the same ones. Of those that are
        given, the ones that equal a query which is asked are left out. Default: what the files
        hold beside their queries (`learn`); False ignores that.
    queries_at_most
        Ask so many queries at most: a random part of them, drawn by `queries_seed`, the same for
        every index.
    queries_seed
        Draws that part.
    base_at_most
        Search so many base vectors at most: a random part of them, drawn by `base_seed`, smaller
        ones inside of larger ones; their exact neighbors are their own.
    base_seed
        Draws that part.
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
    given = {
        role: value
        for role, value in locals().items()
        if value is not None and role not in ("name_or_path", "truth", "trust")
    }
    if queries_at_most is None:
        given.pop("queries_seed")
    if base_at_most is None:
        given.pop("base_seed")
    if metric is not None:
        given["metric"] = known_metric(metric, "metric")
    if any(isinstance(each, bool) and each for each in (ground_truth, truth)):
        raise VbenchError("ground_truth=True says nothing; give ids, a file of them, or False")
    if learn is True:
        raise VbenchError("learn=True says nothing; give a number, queries, a file, or False")
    if truth is not None and ground_truth is not None:
        raise VbenchError("ground_truth and truth are two names of one argument; give one")
    if truth is not None:
        given["ground_truth"] = truth
    source = _source({"name_or_path": name_or_path, **given})
    name_or_path = local(name_or_path)
    given = {role: local(value) for role, value in given.items()}
    found = find(name_or_path)
    if isinstance(found, Dataset):
        found = Parts(
            found.name,
            found.base,
            found.queries,
            found.given_ground_truth,
            found.metric,
            found.segments,
            found.items,
            name_by_ids(found.relevance, sides(found)),
            name_by_ids(found.interactions, sides(found)),
            card=_card(found),
            learn=None if found.learn is None else found.learn.vectors,
        )
    if queries is not None:
        # What describes the dataset's own queries says nothing of others.
        card = msgspec.structs.replace(found.card, m=None, segments={}, query_id="")
        none: dict[str, Any] = dict.fromkeys(
            ("ground_truth", "segments", "relevance", "interactions", "learn")
        )
        found = replace(found, card=card, **none)
    joined = {x: f"given_{x}" for x in ("segments", "items", "learn")}
    aside = ("on", "hold_out", *_PARTS)
    parts = {joined.get(role, role): value for role, value in given.items() if role not in aside}
    with trusting(trust):
        dataset = assemble(replace(found, **parts), on, hold_out)
    if queries_at_most is not None:
        dataset = sample_queries(dataset, queries_at_most, queries_seed)
    if base_at_most is not None:
        dataset = sample_base(dataset, base_at_most, base_seed)
    return replace(dataset, source=source)


def _source(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Arguments that open the dataset again from any folder; empty where one is not on disk."""
    found: dict[str, object] = {}
    for role, value in arguments.items():
        if value is False or role in ("metric", "column", "name"):
            found[role] = value
        elif isinstance(value, int | np.integer):
            found[role] = int(value)
        elif role == "on":
            found[role] = value if isinstance(value, str) else list(value)
        elif not isinstance(value, str | Path):
            return {}
        elif is_remote(value) or (role == "name_or_path" and value in catalog.names()):
            found[role] = value
        else:
            found[role] = str(Path(value).expanduser().resolve())
    return found


def _card(dataset: Dataset) -> Card:
    known = {key: value for key, value in dataset.card.items() if key in Card.__struct_fields__}
    ids = {"query_id": dataset.query_id or "", "item_id": dataset.item_id or ""}
    return Card(**{**known, **ids})


def reopen(source: Mapping[str, Any], *, is_own: bool = False) -> Dataset:
    """Open what `Dataset.source` says again, without repeating what was warned of.

    It may come from a stranger's run, and can name files only: it is trusted in nothing, and of an
    address the copy that is here is taken, unless it `is_own`.
    """
    known = inspect.signature(load).parameters.keys() - {"trust"}
    for role, value in source.items():
        texts = value if role == "on" and isinstance(value, list) else [value]
        plain = (
            isinstance(value, int)
            if role in ("hold_out", *_PARTS) or (role == "learn" and not isinstance(value, str))
            else all(each is False or isinstance(each, str) for each in texts)
        )
        if role not in known or not plain:
            raise DataError(
                f"the run says of its dataset {role} = {value!r}, which opens nothing; "
                f"give the dataset again with {spell_option('dataset')}"
            )
    here = dict(source)
    if not is_own:
        here = {role: kept_copy(x) if is_remote(x) else x for role, x in source.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return replace(load(**here), source=source)
