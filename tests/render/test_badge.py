"""A badge: the first measure, in the color of what was decided."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from run_folder import answered

from vbench import compare
from vbench.render.badge import badge_of

GOOD = np.random.default_rng(3).binomial(10, 0.95, size=(3, 400))
BAD = np.random.default_rng(4).binomial(10, 0.80, size=(3, 400))


@pytest.mark.parametrize(
    ("gate", "color", "word"),
    [(0.01, "#cf222e", " failed"), (0.5, "#1a7f37", " passed"), (None, "#57606a", "")],
)
def test_the_color_is_that_of_the_gate(
    tmp_path: Path, gate: float | None, color: str, word: str
) -> None:
    """Red where it failed, green where it passed, gray without one, beside the value."""
    for name, hits in (("before", GOOD), ("after", BAD)):
        answered(tmp_path / name, {"hnsw": {16: hits}})
    runs = [str(tmp_path / name) for name in ("before", "after")]
    svg = badge_of(compare(runs, measures="Recall@10", fail_if_worse=gate))
    texts = [each.text for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("text")]
    assert texts[0] == "Recall@10"
    assert texts[1].startswith("0.795 [")
    assert texts[1].endswith(f"]{word}")
    assert color in svg


def test_a_floor_alone_has_a_badge(tmp_path: Path) -> None:
    """Its text is the floor, which has signs that XML escapes."""
    answered(tmp_path / "run", {"hnsw": {16: GOOD}})
    svg = badge_of(compare([str(tmp_path / "run")], at_least="Recall@10>=0.9"))
    assert "Recall@10&gt;=0.9" in svg
    assert " passed</text>" in svg
    ElementTree.fromstring(svg)
