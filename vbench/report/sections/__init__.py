"""The sections of the page, one small module each; `SECTIONS` is their order."""

from __future__ import annotations

from collections.abc import Callable

from vbench.report.charts import Drawing
from vbench.report.gather import Report
from vbench.report.parts import Section
from vbench.report.sections import (
    comparisons,
    evenness,
    hardness,
    method,
    price,
    ranking,
    tail,
)

Maker = Callable[[Report, Drawing], Section | None]

SECTIONS: tuple[Maker, ...] = (
    evenness.section,
    price.section,
    tail.section,
    hardness.section,
    comparisons.section,
    ranking.section,
    method.section,
)
