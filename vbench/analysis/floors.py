"""Floors: what settings of a run surely reach, over queries and builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from vbench._invocation import spell_option
from vbench.errors import VbenchError
from vbench.measures.over_masks import estimate_over_masks
from vbench.measures.sample import Sample
from vbench.measures.targets import Target, parse_targets
from vbench.numbers import Unit, write
from vbench.runs.failed import find_gaps
from vbench.runs.settings import Setting
from vbench.runs.under_load import tells
from vbench.runs.views import label_view

MakeSample = Callable[[Setting, float, Sequence[str]], Sample]
"""The sample of a setting at a level, of the queries in some segments."""


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """One floor of one setting.

    Attributes
    ----------
    floor
        Measure, sign and value.
    value, bound
        Mean over builds, and its one-sided bound over queries and builds: an upper one where less
        is better. None where a planned build has no result.
    reached
        Whether the bound reaches the floor; None where that cannot be judged here.
    """

    floor: str
    setting: str
    k: int
    unit: Unit
    builds: int
    value: float | None = None
    bound: float | None = None
    reached: bool | None = False
    verdict: str = ""


def read_floors(given: str | Sequence[str]) -> list[Target]:
    """Floors as they are given: ``Recall@10>=0.95``; several are joined by ``and``, or listed."""
    texts = [given] if isinstance(given, str) else list(given)
    return list(dict.fromkeys(target for text in texts for target in parse_targets(text)))


def judge_floors(
    floors: Sequence[Target],
    settings: Sequence[Sequence[Setting]],
    make: MakeSample,
    level: float,
) -> Iterator[Floor]:
    """Whether each setting, under all masks of its filter, surely reaches each floor.

    Raises
    ------
    VbenchError
        No setting has the K of a floor, did not record its measure, or has one build.
    """
    for floor in floors:
        cutoff = floor.measure.cutoff
        fitting = [
            each
            for each in settings
            if cutoff in (None, each[0].k) and tells(each[0], floor.measure)
        ]
        if not fitting:
            ks = ", ".join(map(str, sorted({each[0].k for each in settings})))
            raise VbenchError(f"{floor} asks for K={cutoff}; {settings[0][0].run.path} has K={ks}")
        for masks in fitting:
            yield _judge(floor, masks, make, level)


def _judge(floor: Target, masks: Sequence[Setting], make: MakeSample, level: float) -> Floor:
    setting, view = masks[0], masks[0].run.view
    where = label_view(view.filter, None if len(masks) > 1 else view.mask, view.step)
    name = f"{setting} {where}".strip()
    row = Floor(
        floor=str(floor),
        setting=name,
        k=setting.k,
        unit=floor.measure.unit,
        builds=min(len(each.trials) for each in masks),
    )
    if gap := next(find_gaps(masks), None):
        return msgspec.structs.replace(row, verdict=f"{floor} not reached: {gap}")
    if row.builds < 2:
        raise VbenchError(
            f"{setting} in {setting.run.path} has one build; a floor needs two or more, since it "
            f"holds for builds to come: run with {spell_option('builds', 3)}"
        )
    # One end of that interval is the bound.
    samples = [make(each, 2.0 * level - 1.0, floor.where) for each in masks]
    found = estimate_over_masks(floor.measure, samples)
    bound = found.low if floor.rises else found.high
    recorded = min(len(each.values(floor.measure)) for each in samples)
    if found.value is None or bound is None or recorded < row.builds:
        raise VbenchError(f"{floor} cannot be judged: {setting} did not record {floor.measure}")
    reached: bool | None = floor.is_met(bound)
    disturbed = floor.measure.is_clocked and any(
        each.is_disturbed for sample in samples for each in sample.answers
    )
    word = "reached"
    if not reached:
        reached, word = (None, "cannot be judged") if disturbed else (False, "not reached")
    side = "lower" if floor.rises else "upper"
    said = (
        f"{floor} {word}: {name} has {write(found.value, row.unit)}, {side} bound "
        f"{write(bound, row.unit)} over {row.builds} builds"
    )
    if reached is None:
        said += "; other processes disturbed every pass of a build"
    return msgspec.structs.replace(
        row, value=found.value, bound=bound, reached=reached, verdict=said
    )
