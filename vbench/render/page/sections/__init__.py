"""The sections of the page, one small module each; `SECTIONS` is their order."""

from __future__ import annotations

from collections.abc import Callable

from vbench.analysis.gather import Report
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Section
from vbench.render.page.sections import (
    ageing,
    combine,
    comparisons,
    evenness,
    filters,
    hardness,
    items,
    load,
    method,
    price,
    ranking,
    tail,
)

Maker = Callable[[Report, Drawing], Section | None]

SECTIONS: tuple[Maker, ...] = (
    evenness.section,
    price.section,
    filters.section,
    ageing.section,
    load.section,
    tail.section,
    items.section,
    hardness.section,
    combine.section,
    comparisons.section,
    ranking.section,
    method.section,
)
