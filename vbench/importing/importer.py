"""`vbench.import_results`: find results, open their dataset, check, score, write."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vbench._invocation import spell_option
from vbench.analysis.imported import LeftOut, Means
from vbench.bench.call import within_call, write_call
from vbench.bench.journal import Progress, silent
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.importing.find import find_results, locate_dataset, one_dataset
from vbench.importing.results import Result, ResultError
from vbench.importing.tables import read_answers
from vbench.importing.write import add_findings, check_results, write_run
from vbench.measures.hits import Rule
from vbench.numbers import count
from vbench.runs import files
from vbench.runs.digests import of_document
from vbench.runs.run import Run

OpenDataset = Callable[[str | None], Dataset]
"""Opens the dataset that the caller names, or else the one of this name or path."""


class Taken(NamedTuple):
    """What became of some results: a run of them, if there are answers; means; what is left out.

    `unanswered` counts queries without an answer, over all results.
    """

    run: Run | None
    means: list[Means]
    left_out: list[LeftOut]
    unanswered: int = 0


def take_results(
    paths: Sequence[str | Path],
    open_dataset: OpenDataset,
    *,
    is_dataset_given: bool,
    name: str | None = None,
    k: int | None = None,
    rule: Rule = "exact-tie",
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> Taken:
    """Take results of other tools; :func:`vbench.import_results` says what all of it means."""
    found = find_results(paths, k)
    left_out = list(found.left_out)
    results = found.results
    if not results and not found.tables:
        if not found.means:
            raise VbenchError(_first(left_out))
        return Taken(None, found.means, left_out)
    if found.tables and results:
        raise VbenchError(
            "tables of answers and results of another tool: a run is of one tool; import each on "
            "its own, and compare the runs"
        )
    wanted = None
    if not is_dataset_given:
        wanted = locate_dataset(one_dataset(results), results)
    elif results:
        one_dataset(results)
    dataset = open_dataset(wanted)
    for path in found.tables:
        try:
            results += read_answers(path, dataset, name, k)
        except ResultError as error:
            left_out.append(LeftOut(file=str(path), reason=str(error)))
    if found.tables and results:
        one_dataset(results)
    kept, wrong = check_results(results, dataset)
    left_out += wrong
    if not kept:
        raise VbenchError(_first(left_out))
    folder = Path(out) if out is not None else Path("results") / _run_id(kept, dataset)
    written = write_call("vbench.import_results", [str(path) for path in paths])
    with within_call(python=written), _claim(folder, fresh=fresh):
        run = write_run(folder, kept, dataset, rule=rule, progress=progress)
        return Taken(add_findings(run, dataset), found.means, left_out, _unanswered(kept))


def _first(left_out: Sequence[LeftOut]) -> str:
    """Why the first result is left out, and how many more are."""
    rest = len(left_out) - 1
    more = "" if not rest else f" (and {count(rest, 'others')})"
    return f"{left_out[0].reason}{more}"


def _unanswered(results: Sequence[Result]) -> int:
    missing = (each.read().unanswered for each in results)
    return sum(int(each.sum()) for each in missing if each is not None)


def _run_id(results: Sequence[Result], dataset: Dataset) -> str:
    names = list(dict.fromkeys(each.algorithm for each in results))
    label = "-".join(names[:3]) + (f"-and-{len(names) - 3}-more" if len(names) > 3 else "")
    tool = results[0].tool.removeprefix("a table of ")
    full = f"{dataset.name}-{tool}-{label}"
    clean = "".join(c if c.isalnum() or c in "._-" else "_" for c in full)
    digest = of_document([dataset.fingerprint, sorted({str(each.file) for each in results})])
    return f"{clean[:80]}-{digest[:8]}"


@contextlib.contextmanager
def _claim(folder: Path, *, fresh: bool) -> Iterator[None]:
    """Hold an empty folder; what was written is gone again where it fails.

    Raises
    ------
    VbenchError
        It holds something; with `fresh`, something else than an imported run.
    """
    another = f"give another folder with {spell_option('out')}"
    if folder.is_file():
        raise VbenchError(f"{folder} is a file; {another}")
    if folder.is_dir() and any(folder.iterdir()):
        is_run = (folder / files.MANIFEST).is_file()
        imported = is_run and files.read_manifest(folder).origin is not None
        if not imported or not fresh:
            what = "a run" if is_run else "something else than a run"
            remedy = f", or {spell_option('fresh', True)} to throw it away" if imported else ""
            raise VbenchError(f"{folder} holds {what}; {another}{remedy}")
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VbenchError(f"cannot make the run folder {folder}: {error.strerror}") from None
    with files.hold_folder(folder):
        try:
            yield
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
