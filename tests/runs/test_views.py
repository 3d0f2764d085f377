"""Views by name: a filter's text, `none`, one mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folder import answered

from vbench.errors import UnknownNameError
from vbench.runs.run import Run
from vbench.runs.schema import View
from vbench.runs.under_views import choose_views
from vbench.runs.views import find_views, label_view, name_view, open_view, planned_views

HITS = {"a": {1: np.full((1, 20), 9)}}
CHEAP = View(key="v0", filter="seen & price < 20", kind="several")
MASKS = [
    View(key=f"v{1 + mask}", filter="random:0.1", kind="random", mask=mask) for mask in range(2)
]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return answered(tmp_path / "run", HITS, views=dict.fromkeys([CHEAP, *MASKS], HITS))


def test_views_are_called_as_their_filters_were_given(run: Run) -> None:
    """A mask by its number, from 1 on; spaces around & do not matter."""
    assert [name_view(view) for view in planned_views(run)] == [
        *("none", "seen & price < 20", "random:0.1#1", "random:0.1#2")
    ]
    assert find_views([run], "seen&price < 20") == [CHEAP]
    assert find_views([run], "random:0.1") == MASKS
    assert find_views([run], "random:0.1#2") == MASKS[1:]
    assert open_view(run, "random:0.1").view == MASKS[0]
    assert open_view(run, "none") is open_view(run) is run


def test_a_filter_at_an_age_is_called_by_both(tmp_path: Path) -> None:
    """The age, the filter and its mask; a filter alone is that of every age."""
    aged = [
        View(key=f"a{step}{mask}", workload="churn", step=step, filter=filter_, mask=mask)
        for step in (2, 4)
        for filter_, mask in ((None, None), ("random:0.1", 0), ("random:0.1", 1))
    ]
    run = answered(tmp_path / "run", HITS, views=dict.fromkeys([*MASKS, *aged], HITS))
    assert [name_view(view) for view in aged[:3]] == [
        *("churn@2", "churn@2 & random:0.1#1", "churn@2 & random:0.1#2")
    ]
    assert find_views([run], "churn@4") == aged[3:4]
    assert find_views([run], "churn@4&random:0.1") == aged[4:]
    assert find_views([run], "churn@2 & random:0.1#2") == aged[2:3]
    assert find_views([run], "random:0.1") == [*MASKS, *aged[1:3], *aged[4:]]
    groups = choose_views([run], None)
    assert [[view.key for view in group] for group in groups] == [
        *(["static"], ["v1", "v2"], ["a2None"], ["a20", "a21"], ["a4None"], ["a40", "a41"])
    ]


def test_a_view_in_words(run: Run) -> None:
    """The whole base needs none."""
    assert label_view(None) == ""
    assert label_view("seen", step=4) == "at step 4 under seen"
    assert label_view("random:0.1", 1) == "under random:0.1, mask 2"


def test_an_unknown_view_lists_those_there_are(run: Run) -> None:
    """One line with every name."""
    with pytest.raises(UnknownNameError, match=r"unknown view 'price < 2'.*none, random:0\.1,"):
        find_views([run], "price < 2")
    with pytest.raises(UnknownNameError, match=r"random:0\.1#3"):
        open_view(run, "random:0.1#3")


def test_a_run_without_the_whole_base_opens_in_its_first_view(tmp_path: Path) -> None:
    """There is nothing else to show."""
    run = answered(tmp_path / "run", {"a": {1: np.empty((0, 20))}}, views={CHEAP: HITS})
    assert open_view(run).view == CHEAP
    assert [str(each) for each in open_view(run).settings()] == ["a ef=1"]
