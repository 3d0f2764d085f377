"""`vbench data import`: exports of users, items and interactions as one dataset with a name."""

from __future__ import annotations

import re
import shlex
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from vbench._arguments import check_arguments
from vbench._invocation import argv, spell_option
from vbench._leftovers import TemporaryFolder
from vbench.data import catalog
from vbench.data.convert import convert
from vbench.data.importing import interactions as events
from vbench.data.importing import remote, sides
from vbench.data.importing.document import DataImported, ImportedSide
from vbench.data.joins import Joins
from vbench.data.load import load
from vbench.errors import VbenchError
from vbench.metric import Metric, known_metric

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Location = Path | str
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@check_arguments
def import_dataset(
    name: str,
    *,
    items: Location,
    users: Location,
    item_ids: Location | None = None,
    user_ids: Location | None = None,
    attributes: Location | None = None,
    segments: Location | None = None,
    interactions: Location | None = None,
    item_id: str | None = None,
    user_id: str | None = None,
    on: str | Sequence[str] | None = None,
    since: str | None = None,
    time: str | None = None,
    grade: str | None = None,
    metric: Metric | str | None = None,
    column: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> DataImported:
    """Make a dataset with a name of what a warehouse exports; `vbench.load(name)` opens it.

    Parameters
    ----------
    items, users
        The vectors: a file, a folder of parts, a pattern, or an address (`s3://`, `gs://`,
        `hf://`). Parquet, CSV, Arrow or JSON lines with a column of vectors, or one of the
        formats of arrays. Other columns beside them are kept.
    item_ids, user_ids
        Names of the rows of an array, in order: `.npy`, `.txt` with one a line, or a table, whose
        other columns are kept too.
    attributes, segments
        Tables that are joined to items, and to users, by their ids.
    interactions
        A table of who had what. They become judgments of relevance, each pair once.
    item_id, user_id
        The columns of ids, where that is not certain.
    on
        `OURS=THEIRS`, where a table calls the ids otherwise; several.
    since
        A date or a number: interactions before are what the users had already (`seen`), later
        ones are judged, but for what the user had before.
    time, grade
        The columns of interactions that say when, and how much; `grade` by default.
    metric
        `l2`, `ip` or `cosine`, or another tool's word for it.
    column
        The column of vectors, where there are several.
    force
        Replace an import of this name.

    Raises
    ------
    DataError, VbenchError
        One message that names the file, the column and the row, and says what to do.
    """
    _check_name(name, force)
    if metric is not None:
        metric = known_metric(metric, "metric")
    joins = Joins(on)
    with ExitStack() as stack:
        place = stack.enter_context(TemporaryFolder(catalog.imported(name), purpose="import"))

        def local(source: Location | None, role: str) -> Path | None:
            if source is None:
                return None
            if not remote.is_remote(source):
                return Path(source).expanduser()
            folder = place / role
            folder.mkdir()

            def tell(done: int, total: int) -> None:
                if progress:
                    progress(f"bringing {role}", done, total)

            return remote.bring(str(source), folder, tell)

        def read(
            side: sides.Name,
            vectors: Location,
            ids: Location | None,
            more: Location | None,
            key: str | None,
        ) -> sides.Read:
            where = local(vectors, f"{side}s")
            assert where is not None
            source = sides.Source(
                where, local(ids, f"{side}-ids"), local(more, f"{side}-table"), key, column
            )
            return sides.read_side(side, source, joins, place)

        base = read("item", items, item_ids, attributes, item_id)
        asked = read("user", users, user_ids, segments, user_id)
        both = (asked.side(), base.side())
        table = local(interactions, "interactions")
        split = None
        if table is not None:
            split = events.split_interactions(events.Source(table, since, time, grade), both, joins)
        elif since or time or grade:
            raise VbenchError(
                f"{spell_option('since')}, {spell_option('time')} and {spell_option('grade')} "
                f"belong to {spell_option('interactions')}"
            )
        joins.check_used()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            made = load(
                base.vectors,
                queries=asked.vectors,
                metric=metric,
                name=name,
                segments=asked.table if asked.table.width else None,
                items=base.table if base.table.width else None,
                relevance=None if split is None else split.relevance,
                interactions=None if split is None else split.seen,
            )
        notes = [str(each.message) for each in caught]
        words = argv.get()
        card = {
            "title": f"Imported from {Path(str(items)).name} and {Path(str(users)).name}",
            "made_by": "" if words is None else shlex.join(["vbench", *words]),
        }
        made = replace(made, card=card, item_id=base.key, query_id=asked.key)
        convert(made, catalog.imported(name), force=True)
    return DataImported(
        name=name,
        folder=str(catalog.imported(name)),
        metric=made.metric,
        items=_describe(base, str(items)),
        users=_describe(asked, str(users)),
        interactions=None if split is None else split.counts,
        notes=notes,
        fingerprint=made.fingerprint,
    )


def _describe(side: sides.Read, file: str) -> ImportedSide:
    return ImportedSide(
        file=file,
        rows=len(side.vectors),
        d=side.vectors.shape[1],
        dtype=side.vectors.dtype.name,
        id=side.key,
        columns=[each for each in side.table.columns if each != side.key],
        joined=side.joined,
    )


def _check_name(name: str, force: bool) -> None:
    if not _NAME.fullmatch(name):
        raise VbenchError(
            f"{name!r} is no name of a dataset; give letters, digits, '-', '_' and '.', such as "
            "shop-2026"
        )
    if catalog.is_imported(name):
        if not force:
            raise VbenchError(
                f"{name}: is imported already, into {catalog.imported(name)}; choose another name, "
                f"or {spell_option('force', True)} to replace it"
            )
    elif name in catalog.names():
        raise VbenchError(f"{name}: the catalog has a dataset of that name; choose another one")
