"""The page of tuning: its first sentence, its tables, and what a printed page needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from vbench._document import Interval
from vbench.analysis.answer import Answer, ServedGroup
from vbench.analysis.tuning import (
    BestSetting,
    Bounded,
    CertifiedView,
    HalfEvidence,
    Halves,
    ObjectiveResult,
    TargetResult,
    TriedSetting,
    Tuning,
)
from vbench.errors import VbenchError
from vbench.render.page.tuning import html, say_first, write_page
from vbench.runs.schema import DatasetInfo

TARGET = "Robustness(delta=0.8)@10"


def row(kind: Any, ef: int, **more: Any) -> Any:
    name = {"name": f"hnsw ef={ef}", "index": "hnsw", "build": {"M": 16}, "setting": {"ef": ef}}
    return kind(**name, k=10, builds=2, **more)


def tried(ef: int, value: float, price: float) -> TriedSetting:
    measures = {
        "Latency(p=99)": Bounded(value=price, bound=None),
        TARGET: Bounded(value=value, bound=value - 0.01),
    }
    passes = value > 0.99
    return row(TriedSetting, ef, measures=measures, met=passes, passes=passes, judged=True)


@pytest.fixture
def tuning() -> Tuning:
    """Two settings tried, the wider one certified."""
    half = HalfEvidence(value=0.995, bound=0.991, builds=[0.996, 0.994])
    target = TargetResult(
        target=f"{TARGET}>=0.99",
        measure=TARGET,
        calibration=half,
        held_out=half,
        certified=True,
        judged=True,
        more_queries=0,
    )
    new = ServedGroup(
        column="activity",
        segment="<new>",
        queries=50,
        served=Interval(0.9, 0.85, 0.93),
        worse=True,
    )
    return Tuning(
        run="run",
        dataset=DatasetInfo(
            name="shop", n=3000, m=600, d=64, metric="ip", fingerprint="f", source={}
        ),
        targets=[f"{TARGET}>=0.99"],
        objective="minimize Latency(p=99)",
        level=0.95,
        queries=Halves(calibration=300, held_out=300),
        builds=2,
        views=[
            CertifiedView(
                name="none",
                step=None,
                workload=None,
                filter=None,
                mask=None,
                live=None,
                allowed=None,
            )
        ],
        best=row(
            BestSetting,
            64,
            objective=ObjectiveResult(measure="Latency(p=99)", calibration=3e-4, held_out=3e-4),
            targets=[target],
        ),
        met=True,
        judged=True,
        certified=True,
        verdict="certified: hnsw ef=64 meets it",
        answer=Answer(
            name="hnsw ef=64",
            k=10,
            delta=0.8,
            needed=8,
            queries=300,
            under="",
            served=Interval(0.995, 0.99, 0.998),
            costs={"Latency(p=99)": 3e-4, "Price(core=0.04,GB=0.0)": 0.0123},
            groups=(new,),
        ),
        again="vbench tune --index hnsw",
        indexes=[],
        tried=[tried(16, 0.9, 1e-4), tried(64, 0.995, 3e-4)],
        failed=(),
        warnings=[],
    )


def test_the_first_sentence_is_the_answer(tuning: Tuning) -> None:
    """Which setting, for whom, at what cost; or that this cannot be said, and why."""
    assert say_first(tuning) == (
        "99.50 % [99.00, 99.80] of the queries get at least 8 of 10 right with hnsw ef=64; "
        "p99 300 µs; 0.0123 for a million answers; worst served: activity <new> (90.0 %)."
    )
    replace = msgspec.structs.replace
    missed = replace(tuning, certified=False, met=False, verdict="not met: no setting reaches it")
    assert say_first(missed) == (
        "None of the settings that were tried can be recommended: no setting reaches it."
    )
    said = say_first(replace(tuning, certified=False, verdict="not certified: …"))
    assert said.startswith("No setting is certified yet. The best so far: 99.50 %")
    verdict = "cannot be judged on this machine: …"
    busy = say_first(replace(tuning, certified=False, judged=False, met=None, verdict=verdict))
    assert busy == f"Which setting to use cannot be said: it {verdict}."


def test_the_page_holds_what_was_found(tuning: Tuning, tmp_path: Path) -> None:
    """Targets, segments, costs, what was tried with its chart, the call; all text is escaped."""
    page = write_page(tuning, tmp_path / "tune.html").read_text()
    assert page == html(tuning)
    for part in ("Does it hold?", "For whom?", "At what cost?", "What else was tried?"):
        assert part in page
    assert "activity &lt;new&gt;" in page
    assert "<new>" not in page
    assert 'data-frame="tried"' in page
    assert "vbench tune --index hnsw" in page
    with pytest.raises(VbenchError, match="cannot be written"):
        write_page(tuning, tmp_path / "tune.html" / "below")


def test_a_page_without_segments_or_answer_is_one_too(tuning: Tuning) -> None:
    """It says how to give segments; an earlier version's document has no answer."""
    answer = msgspec.structs.replace(tuning.answer, groups=())
    assert "--segments" in html(msgspec.structs.replace(tuning, answer=answer))
    plain = html(msgspec.structs.replace(tuning, answer=None))
    assert "certified: hnsw ef=64 meets it" in plain
    assert "For whom?" not in plain
