"""The certificate of a tuning as a file, made of what was certified."""

from __future__ import annotations

from pathlib import Path

import vbench
from vbench.analysis.certificate import (
    Certificate,
    CertifiedData,
    CertifiedIndex,
    CertifiedSetting,
    Claim,
    read_certificate,
)
from vbench.bench.journal import now
from vbench.bench.prepare import MeasureOptions
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.runs.run import Run
from vbench.runs.views import name_view
from vbench.tuning.document import Found


def describe_data(dataset: Dataset) -> CertifiedData:
    """The data of a certificate."""
    return CertifiedData(
        name=dataset.name,
        metric=dataset.metric,
        n=dataset.n,
        m=dataset.m,
        d=dataset.d,
        base=dataset.base_digest,
        queries=dataset.queries_digest,
        source=dict(dataset.source),
    )


def certify(found: Found, dataset: Dataset, asked: MeasureOptions) -> Certificate:
    """The certificate of what was found, which is certified."""
    judge, best, run = found.judge, found.best, found.run
    options = run.manifest.options
    first = best.tried.views[0].setting
    build = run.build_of(first.trials[0])
    setting = CertifiedSetting(
        k=first.k,
        setting=first.search,
        objective=str(judge.objective),
        level=judge.level,
        builds=options.builds,
        seed=options.seed,
        threads=options.threads,
        held_out=len(judge.held_out),
        filters=tuple(asked.filters),
        masks=asked.masks,
        only_filtered=asked.only_filtered,
        workload=_found_from_anywhere(asked.workload),
        date=now(),
        claims=tuple(
            Claim(
                target=str(each.target),
                view=name_view(view.view),
                value=each.value,
                bound=each.bound,
            )
            for view in best.views
            for each in view.evidence
        ),
    )
    return Certificate(
        vbench=vbench.__version__,
        machine=machine_of(run),
        data=describe_data(dataset),
        index=CertifiedIndex(
            name=build.index,
            build=build.params,
            space=build.space,
            code=build.code,
            requires=dict(build.requires or {}),
        ),
        settings=(setting,),
    )


def machine_of(run: Run) -> str | None:
    """The processor that a run was measured on last."""
    known = list(run.manifest.environments.values())
    return known[-1].machine.processor if known else None


def read_earlier(path: Path, dataset: Dataset) -> Certificate | None:
    """The certificate that a file holds already, to which another K or target is added.

    Raises
    ------
    VbenchError
        It holds something else, or one of other data; it could not be written.
    """
    if not path.parent.is_dir():
        raise VbenchError(f"{path}: there is no folder {path.parent}")
    if not path.exists():
        return None
    before = read_certificate(path)
    here = describe_data(dataset)
    if (before.data.base, before.data.queries) != (here.base, here.queries):
        raise VbenchError(
            f"{path} is a certificate of other data ({before.data.name}, "
            f"{before.data.n:,} base vectors, {before.data.m:,} queries); give another file"
        )
    return before


def join_certificates(path: Path, before: Certificate | None, made: Certificate) -> Certificate:
    """What the file is to hold.

    Raises
    ------
    VbenchError
        What it held is of another index.
    """
    if before is None:
        return made
    if (before.index.name, before.index.build) != (made.index.name, made.index.build):
        raise VbenchError(
            f"{path} is a certificate of {before.index.name} {before.index.build}, and "
            f"{made.index.name} {made.index.build} is certified now; give another file"
        )
    return before.joined(made)


def _found_from_anywhere(workload: str) -> str:
    path = Path(workload)
    return str(path.resolve()) if path.suffix and path.is_file() else workload
