"""Results of another tool, scored against our own exact neighbors and written as a run folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import vbench
from vbench._process.cores import usable_cores
from vbench.analysis.imported import LeftOut
from vbench.bench.call import current_call
from vbench.bench.describe import redescribe, write_described_queries
from vbench.bench.findings.findings import findings
from vbench.bench.journal import Progress, dataset_facts, now
from vbench.bench.score import Scorer
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.ground_truth import HARDNESS_DEPTH, compute_ground_truth, depth_beside
from vbench.importing.check import check_result
from vbench.importing.naming import Named, name_results
from vbench.importing.results import Arrays, Result, ResultError
from vbench.measures.hits import Rule
from vbench.numbers import count
from vbench.runs import files, tables
from vbench.runs.digests import of_document
from vbench.runs.facts import Batch, Pass, TrialFacts
from vbench.runs.rows import Rows, write_trial
from vbench.runs.run import Run
from vbench.runs.schema import Build, Manifest, Options, Origin, Trial, Warn
from vbench.runs.settings import spell


def check_results(
    results: Sequence[Result], dataset: Dataset
) -> tuple[list[Result], list[LeftOut]]:
    """The results that are answers on a dataset, each once; and why the others are not."""
    kept: list[Result] = []
    left_out: list[LeftOut] = []
    seen: dict[str, Result] = {}
    for each in results:
        same = repr((each.build, sorted(each.parameters.items(), key=str), each.label, each.k))
        try:
            if same in seen:
                raise ResultError(
                    f"{each.where}: the same index, build and setting as {seen[same].where}"
                )
            check_result(each, each.read(), dataset)
        except ResultError as error:
            left_out.append(LeftOut(file=str(each.file), reason=str(error)))
        else:
            seen[same] = each
            kept.append(each)
    return kept, left_out


def write_run(
    folder: Path,
    results: Sequence[Result],
    dataset: Dataset,
    *,
    rule: Rule,
    progress: Progress,
) -> Run:
    """Score results and write them to an empty folder; :func:`check_results` has passed them."""
    named = name_results(results)
    ks = sorted({each.k for each in results})
    own_rules = {each.rule for each in results if each.read().hits is not None}
    is_counted_there = bool(own_rules)
    rule = own_rules.pop() if own_rules else rule
    kept = min(dataset.n, depth_beside(max(ks)))
    progress("exact neighbors", 0, len(named) + 1)
    deep = compute_ground_truth(
        dataset,
        min(dataset.n, max(HARDNESS_DEPTH, kept)),
        threads=len(usable_cores()),
        progress=lambda done, total: progress("exact neighbors", done, total),
    )
    scorer = Scorer(dataset, deep, rule)
    (folder / files.TRIALS).mkdir(parents=True, exist_ok=True)
    write_described_queries(folder, dataset)
    tables.write_ground_truth(folder, GroundTruth(deep.ids[:, :kept], deep.distances[:, :kept]))
    builds: dict[str, Build] = {}
    trials: list[Trial] = []
    warnings: list[Warn] = []
    lost: dict[str, None] = {}
    for place, each in enumerate(named):
        progress(f"{each.name} {spell(each.search)}".strip(), place + 1, len(named) + 1)
        build = _build(each, dataset)
        builds.setdefault(build.key, build)
        trial = Trial(
            key=of_document([build.key, each.search, each.result.k]),
            build=build.key,
            setting=each.search,
            k=each.result.k,
        )
        arrays = each.result.read()
        _write_trial(folder, each, build, trial, arrays, scorer)
        trials.append(trial)
        lost |= dict.fromkeys(_lost(each.result, arrays))
        warnings += _unanswered(each, arrays)
    number = max(each.number for each in builds.values()) + 1
    if number == 1:
        lost["any build beside the one: what depends on a build is not seen"] = None
    origin = Origin(
        tool=results[0].tool,
        files={str(path): _digest(path) for path in dict.fromkeys(each.file for each in results)},
        lost=[*lost, "seeds, threads, versions and the machine"],
    )
    manifest = Manifest(
        vbench=vbench.__version__,
        created=now(),
        call=current_call(),
        origin=origin,
        dataset=dataset_facts(dataset),
        options=Options(k=ks, builds=number, repeats=1, rule=rule),
        builds=list(builds.values()),
        trials=trials,
        warnings=[_imported(origin, len(results), is_counted_there=is_counted_there), *warnings],
    )
    files.write_manifest(folder, manifest)
    return redescribe(Run(folder), dataset)


def add_findings(run: Run, dataset: Dataset) -> Run:
    """The run, after what its reader must know has been added to its warnings."""
    import msgspec

    found = [*run.manifest.warnings, *findings(run, dataset)]
    files.write_manifest(run.path, msgspec.structs.replace(run.manifest, warnings=found))
    return Run(run.path)


def _build(named: Named, dataset: Dataset) -> Build:
    tool = named.result.tool
    return Build(
        key=of_document([dataset.fingerprint, tool, named.name, named.build, named.result.build]),
        index=named.name,
        adapter=tool,
        params=dict(named.build),
        number=named.number,
        seed=named.number,
        # Of which seed it is nobody wrote down: no two builds are a pair for having the same.
        seeded=False,
        tune_parameter=named.tuned,
    )


def _write_trial(
    folder: Path, named: Named, build: Build, trial: Trial, arrays: Arrays, scorer: Scorer
) -> None:
    result = named.result
    score = None if arrays.ids is None else scorer.score(arrays.ids)
    narrow = np.int32 if scorer.dataset.n <= np.iinfo(np.int32).max else np.int64
    if score is None:
        assert arrays.hits is not None
        hits = arrays.hits
    else:
        hits = score.hits
    seconds = arrays.seconds
    latency = None if seconds is None else np.rint(seconds * 1e9).astype(np.int64)[:, np.newaxis]
    batch = result.batch_seconds
    rows = Rows(
        ids=None if arrays.ids is None else arrays.ids.astype(narrow),
        hits=hits,
        place=None if score is None else score.place,
        ratio=None if score is None else score.ratio,
        latency_ns=latency,
    )
    facts = TrialFacts(
        vbench=vbench.__version__,
        key=trial.key,
        trial=trial,
        build=build,
        passes=[] if latency is None else [Pass()],
        phases={} if result.build_seconds is None else {"fit": result.build_seconds},
        sizes={} if result.index_bytes is None else {"index": result.index_bytes},
        size_source="unknown" if result.index_bytes is None else "growth of the process",
        batches=[] if batch is None else [Batch(size=arrays.m, seconds=batch)],
        work=result.work,
        duplicates=0 if score is None else score.duplicates,
        pads=0 if score is None else score.pads,
        ties=0 if score is None else score.ties,
    )
    write_trial(folder, facts, rows)


def _lost(result: Result, arrays: Arrays) -> Iterator[str]:
    """What our own runs know and this result does not say."""
    if arrays.ids is None:
        yield f"ids: hits are those that {result.tool} counted; nothing is said of which were found"
    if arrays.seconds is None:
        yield "times of single queries"
    elif result.passes is not None and result.passes > 1:
        yield f"times of all passes but the last of {result.passes}"
    if result.build_seconds is None:
        yield "times of building"
    if result.index_bytes is None:
        yield "sizes"


def _unanswered(named: Named, arrays: Arrays) -> Iterator[Warn]:
    missing = 0 if arrays.unanswered is None else int(arrays.unanswered.sum())
    if missing:
        assert arrays.unanswered is not None
        name = f"{named.name} {spell(named.search)}".strip()
        first = int(arrays.unanswered.argmax())
        yield Warn(
            "no answer",
            f"{name}: {missing:,} of {arrays.m:,} queries have no answer, the first is query "
            f"{first}",
            "they count as queries without a hit: an index that fails where it is hard would look "
            "better than it is",
            "ask them again, and import all answers",
            code="no-answer",
            setting=name,
        )


def _imported(origin: Origin, number: int, *, is_counted_there: bool) -> Warn:
    return Warn(
        "imported",
        f"{count(number, 'results')}, from {origin.tool}; not recorded: {'; '.join(origin.lost)}",
        ("recall is as it was counted there" if is_counted_there else "recall is counted here")
        + "; times are compared with nothing outside this folder",
        "vbench run measures an index here, under conditions that are known",
        code="imported",
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
