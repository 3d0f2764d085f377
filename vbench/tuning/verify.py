"""Whether a certificate still holds: its claims, asked again of the same builds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import vbench
from vbench.analysis.certificate import (
    Certificate,
    CertifiedSetting,
    Claim,
    Outcome,
    Status,
    Verification,
    VerifiedClaim,
    read_certificate,
)
from vbench.analysis.segments import join_selections, select_queries
from vbench.bench.journal import Progress, silent
from vbench.bench.prepare import MeasureOptions
from vbench.bench.runner import run as measure
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.indexes.recipe import Recipe, load_recipe
from vbench.measures.answers import Answers
from vbench.measures.sample import Sample
from vbench.measures.targets import Target, parse_targets
from vbench.numbers import write
from vbench.runs.failed import reason_of
from vbench.runs.run import Run
from vbench.runs.views import find_views
from vbench.tuning.certificate import machine_of
from vbench.tuning.evidence import Evidence, weigh
from vbench.tuning.trials import split_queries


class _Asked(NamedTuple):
    """One claim, the run that asked it again, and the rows of the queries that count."""

    setting: CertifiedSetting
    claim: Claim
    run: Run
    rows: NDArray[np.intp]
    parts: int


def verify(
    path: Path,
    index: str | Recipe,
    dataset: Dataset,
    *,
    repeats: int = 3,
    timeout: float | None = None,
    out: Path | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> Verification:
    """Ask the claims of a certificate again; :func:`vbench.verify` says how it is judged.

    Raises
    ------
    VbenchError
        The file is no certificate, or one of another index; the data do not fit it.
    """
    certificate = read_certificate(path)
    recipe = load_recipe(index)
    if recipe.name != certificate.index.name:
        raise VbenchError(f"{path} is a certificate of {certificate.index.name}, not {recipe.name}")
    data = certificate.data
    if (dataset.metric, dataset.d) != (data.metric, data.d):
        raise VbenchError(
            f"{path} is about {data.metric} in {data.d} dimensions, and {dataset.name} is "
            f"{dataset.metric} in {dataset.d}"
        )
    are_fresh = dataset.queries_digest != data.queries
    folder = out or Path("results") / f"verify-{recipe.name}-{dataset.fingerprint[:8]}"
    runs = [
        _ask(
            certificate,
            each,
            recipe,
            dataset,
            folder,
            repeats,
            timeout,
            fresh and not number,
            progress,
        )
        for number, each in enumerate(certificate.settings)
    ]
    claims: list[VerifiedClaim] = []
    asked = 0
    for each, run in zip(certificate.settings, runs, strict=True):
        rows = np.random.default_rng(each.seed).permutation(dataset.m)
        if not are_fresh:
            _, rows = split_queries(dataset.m, each.seed)
        asked = len(rows)
        parts = sum(len(one.claims) * one.builds for one in certificate.settings)
        claims += [_judge(_Asked(each, claim, run, rows, parts)) for claim in each.claims]
    status, verdict = _sum_up(claims, asked, are_fresh=are_fresh)
    return Verification(
        certificate=str(path),
        run=str(folder),
        index=recipe.name,
        dataset=dataset.name,
        status=status,
        verdict=verdict,
        queries=asked,
        are_fresh=are_fresh,
        changes=tuple(_changes(certificate, dataset, runs[-1])),
        claims=tuple(claims),
    )


def _ask(
    certificate: Certificate,
    setting: CertifiedSetting,
    recipe: Recipe,
    dataset: Dataset,
    folder: Path,
    repeats: int,
    timeout: float | None,
    fresh: bool,
    progress: Progress,
) -> Run:
    """Measure the setting on its builds, which the same seed makes, in the views of its claims."""
    given = {**certificate.index.build, **setting.setting}
    asked = MeasureOptions(
        k=setting.k,
        builds=setting.builds,
        seed=setting.seed,
        threads=setting.threads,
        repeats=repeats,
        timeout=timeout,
        filters=list(setting.filters),
        masks=setting.masks,
        only_filtered=setting.only_filtered,
        workload=setting.workload,
    )
    return measure(
        dataset,
        [recipe],
        asked,
        settings={name: [value] for name, value in given.items()},
        out=folder,
        fresh=fresh,
        progress=progress,
    )


def _judge(asked: _Asked) -> VerifiedClaim:
    setting, claim = asked.setting, asked.claim
    (target,) = parse_targets(claim.target)
    run = asked.run.in_view(find_views([asked.run], claim.view)[0])
    own = [each for each in run.settings() if each.search == setting.setting]
    trials = [trial for each in own if each.k == setting.k for trial in each.trials]
    if len(trials) < setting.builds:
        return _described(asked, None, "not measured", _why(run))
    rows = join_selections(asked.rows, select_queries(run, target.where))
    assert rows is not None
    answers = [run.answers(trial).of_queries(rows) for trial in trials]
    evidence = weigh(target, answers, setting.level)
    return _described(
        asked, evidence, _status(target, evidence, answers, setting.level, asked.parts)
    )


def _status(
    target: Target, evidence: Evidence, answers: Sequence[Answers], level: float, parts: int
) -> Status:
    """Whether it holds again, or is broken; a false alarm of all `parts` is as rare as `level`."""
    if evidence.is_certified:
        return "holds"
    if not evidence.is_judged:
        return "not judged"
    # One-sided, for each of so many claims and builds (Bonferroni).
    both = 1.0 - 2.0 * (1.0 - level) / parts
    return "broken" if any(_surely_misses(target, each, both) for each in answers) else "open"


def _surely_misses(target: Target, answers: Answers, level: float) -> bool:
    found = Sample([answers], level).estimate(target.measure)
    end = found.high if target.rises else found.low
    # What is a number of the build has no interval, and misses where it does.
    end = found.value if end is None else end
    return end is not None and not target.is_met(end)


def _described(
    asked: _Asked, evidence: Evidence | None, status: Status, reason: str = ""
) -> VerifiedClaim:
    setting, claim = asked.setting, asked.claim
    bound = None if evidence is None or evidence.bound is None else evidence.bound
    return VerifiedClaim(
        k=setting.k,
        setting=setting.setting,
        target=claim.target,
        view=claim.view,
        was=claim.bound,
        value=None if evidence is None else evidence.value,
        bound=None if bound is None or not np.isfinite(bound) else bound,
        builds=() if evidence is None else evidence.builds,
        status=status,
        more_queries=None if evidence is None else evidence.more,
        reason=reason,
    )


def _why(run: Run) -> str:
    lost = (trial for trial in run.manifest.trials if not run.is_done(trial))
    return next((reason_of(run, trial) for trial in lost), "no result")


def _sum_up(
    claims: Sequence[VerifiedClaim], queries: int, *, are_fresh: bool
) -> tuple[Outcome, str]:
    which = "fresh queries" if are_fresh else "queries that certified it"
    on = f"on {queries:,} {which}"
    bad = [each for each in claims if each.status in ("broken", "not measured")]
    if bad:
        return "broken", f"broken {on}: {'; '.join(map(_tell, bad))}"
    unsure = [each for each in claims if each.status != "holds"]
    if unsure:
        return "open", f"not shown to hold, and not broken, {on}: {'; '.join(map(_tell, unsure))}"
    count = f"all {len(claims)} claims are" if len(claims) > 1 else "its claim is"
    return "holds", f"holds: {count} certified again {on}"


def _tell(claim: VerifiedClaim) -> str:
    where = "" if claim.view == "none" else f" in view {claim.view}"
    spelt = " ".join(f"{name}={value}" for name, value in claim.setting.items())
    if claim.status == "not measured":
        return f"{claim.target}{where} at {spelt} left no result ({claim.reason})"
    (target,) = parse_targets(claim.target)
    said = f"{claim.target}{where} at {spelt} is {write(claim.value, target.measure.unit)}"
    if claim.status == "open" and claim.more_queries:
        said += f" ({claim.more_queries:,} more queries would show it)"
    if claim.status == "not judged":
        said += " in passes that other processes disturbed"
    return said


def _changes(certificate: Certificate, dataset: Dataset, run: Run) -> Iterator[str]:
    """What is another one than when it was certified, in words."""
    data, index = certificate.data, certificate.index
    if dataset.base_digest != data.base:
        yield f"other base vectors: {dataset.n:,} of {dataset.name}, were {data.n:,} of {data.name}"
    build = run.manifest.builds[-1]
    now = dict(build.requires or {})
    for name in sorted({*now, *index.requires}):
        if now.get(name) != index.requires.get(name):
            was = index.requires.get(name) or "not used"
            yield f"{name} is {now.get(name) or 'gone'}, was {was}"
    if build.code != index.code:
        yield f"the code of {index.name} has changed"
    if vbench.__version__ != certificate.vbench:
        yield f"vbench is {vbench.__version__}, was {certificate.vbench}"
    machine = machine_of(run)
    if machine != certificate.machine:
        yield f"the machine is {machine or 'unknown'}, was {certificate.machine or 'unknown'}"
