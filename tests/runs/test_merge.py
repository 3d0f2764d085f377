"""Several run folders as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folder import answered

from vbench.errors import VbenchError
from vbench.runs.merge import merge
from vbench.runs.run import Run
from vbench.runs.schema import Call

CALL = Call(argv=["runs", "merge"])


def test_a_merged_run_answers_as_its_parts(tmp_path: Path) -> None:
    """Builds and trials of all, what several hold once; values are those of the parts."""
    rng = np.random.default_rng(0)
    one, two = rng.binomial(10, 0.9, (2, 60)), rng.binomial(10, 0.7, (2, 60))
    columns = {"kind": ["a", "b"] * 30}
    first = answered(tmp_path / "first", {"hnsw": {16: one}}, columns=columns)
    both = {"hnsw": {16: one}, "ivf": {8: two}}
    second = answered(tmp_path / "second", both, columns=columns)
    merge([first, second], tmp_path / "both", CALL)
    made = Run(tmp_path / "both")
    assert [str(each) for each in made.settings()] == ["hnsw ef=16", "ivf ef=8"]
    assert len(made.manifest.trials) == 4
    assert made.measure("Recall@10").equals(second.measure("Recall@10"))
    assert made.columns.equals(first.columns)
    assert made.manifest.call == CALL
    assert made.manifest.plan == ""


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    """One run, other data, other options, a folder that exists."""
    hits = np.full((2, 30), 9)
    one = answered(tmp_path / "one", {"hnsw": {16: hits}})
    other = answered(tmp_path / "other", {"hnsw": {16: hits}}, fingerprint="0" * 64)
    rule = answered(tmp_path / "rule", {"hnsw": {16: hits}}, rule="id")
    more = answered(tmp_path / "more", {"hnsw": {16: np.full((3, 30), 9)}})
    for runs, said in (
        ([one], "one run; give those"),
        ([one, other], "other vectors"),
        ([one, rule], "counts hits by the rule"),
        ([one, more], "builds=2 and .* builds=3; runs that were measured otherwise"),
    ):
        with pytest.raises(VbenchError, match=said):
            merge(runs, tmp_path / "out", CALL)
    with pytest.raises(VbenchError, match="exists"):
        merge([one, one], tmp_path / "one", CALL)
