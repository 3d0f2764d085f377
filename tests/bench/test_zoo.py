"""Whatever an index does, the one beside it is scored, the run ends, and nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zoo
from strays import Command

TOGETHER = 8
NAMES = sorted(zoo.KINDS)
GROUPS = [NAMES[start : start + TOGETHER] for start in range(0, len(NAMES), TOGETHER)]

_ONLY_IN_A_WORKER = "import os, sys, time\nif sys.argv[0].endswith('worker.py'):\n    {}\n"
IMPORTS = {
    "import_raises": "raise RuntimeError('not here')",
    "import_exits": "sys.exit(3)",
    "import_dies": "os._exit(3)",
    "import_hangs": "time.sleep(600)",
}


def beside_an_honest_one(place: Path, indexes: list[str]) -> dict[str, str]:
    """The reasons of a run's failures by index; the honest one is scored."""
    named = [f"--index={name}" for name in [*indexes, "misbehaving:Exact"]]
    data = ["--dataset=base.npy", "--metric=l2", "--builds=1", "--repeats=1", "-k", "3"]
    limits = ["--timeout=4", "--memory=0.6GB"]
    command = Command("run", *named, *data, *limits, "--out=run", "--json")
    code, out, err = command.ended()
    assert code in (0, 1), err
    assert "Traceback" not in err
    document = json.loads(out)
    scored = {each["index"]: each["measures"] for each in document["settings"]}
    assert scored["misbehaving:Exact"]["Recall@3"]["value"] == 1.0
    reasons = {each["index"]: each["reason"] for each in document["failed"]}
    assert set(scored) | set(reasons) == {*indexes, "misbehaving:Exact"}
    assert not command.strays()
    assert not list((place / "tmp").iterdir())
    assert all(len(reason) <= 500 for reason in reasons.values())
    assert (place / "run" / "run.json").stat().st_size < 500_000
    assert code == (1 if reasons else 0)
    return reasons


def test_there_are_sixty_kinds() -> None:
    """And each is described by its name."""
    assert len(zoo.KINDS) + len(IMPORTS) >= 60


@pytest.mark.slow
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_the_honest_index_is_scored(place: Path, names: list[str]) -> None:
    """Those fail that must, the others are scored too."""
    reasons = beside_an_honest_one(place, [f"zoo:{name}" for name in names])
    failed = {name.removeprefix("zoo:") for name in reasons}
    open_to_both = {name for name in names if zoo.KINDS[name] == "either"}
    must = {name for name in names if zoo.KINDS[name] == "fails"}
    assert failed - open_to_both == must, reasons


@pytest.mark.slow
def test_a_module_that_fails_in_the_worker_alone(place: Path) -> None:
    """Where it was imported well before, to look at its parameters."""
    for name, code in IMPORTS.items():
        text = _ONLY_IN_A_WORKER.format(code) + "from misbehaving import Exact as Mine\n"
        (place / f"{name}.py").write_text(text)
    indexes = [f"{name}:Mine" for name in IMPORTS]
    reasons = beside_an_honest_one(place, indexes)
    assert set(reasons) == set(indexes)


_CHECKED = [
    "real_time_signal",
    "kills_the_supervisor",
    "stops_itself",
    "raises_slowly_shown",
    "raises_megabytes",
    "raises_half_a_character",
    "writes_to_the_socket",
    "writes_half_a_message",
    "closes_everything",
    "leaves_a_child_with_the_socket",
    "exits_and_leaves_a_daemon",
    "leaves_a_deaf_daemon",
    "leaves_many_children",
    "forks_and_both_go_on",
    "hangs_at_exit",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", _CHECKED)
def test_index_check_comes_to_an_end(place: Path, name: str) -> None:
    """With a finding for each check, short reasons, and nothing left."""
    command = Command("index", "check", f"zoo:{name}", "--timeout", "3", "--json")
    code, out, err = command.ended()
    assert "Traceback" not in err
    findings = json.loads(out)["checks"]
    assert all(len(each["reason"]) <= 500 for each in findings)
    failed = [each["reason"] for each in findings if each["status"] == "fail"]
    assert bool(failed) == (code != 0)
    assert failed or zoo.KINDS[name] == "passes"
    assert not command.strays()
    assert not list((place / "tmp").iterdir())
