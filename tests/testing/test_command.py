"""A library behind a command: what it reads, what it must write, what is said where it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from vbench.errors import VbenchError
from vbench.testing import Command, recall_at_least

RNG = np.random.default_rng(3)
BASE = RNG.normal(size=(300, 6)).astype(np.float32)
QUERIES = RNG.normal(size=(40, 6)).astype(np.float32)
DATA = {"base": BASE, "queries": QUERIES}

PROGRAM = """
import sys
import numpy as np

def read(path):
    if path.endswith(".npy"):
        return np.load(path)
    if path.endswith(".fbin"):
        rows, columns = np.fromfile(path, "<u4", 2)
        return np.fromfile(path, "<f4", offset=8).reshape(rows, columns)
    columns = np.fromfile(path, "<i4", 1)[0]
    return np.fromfile(path, "<f4").reshape(-1, columns + 1)[:, 1:]

base, queries, ids, k, seed = sys.argv[1:]
base, queries = read(base), read(queries)
kept = np.random.default_rng(int(seed)).permutation(len(base))[:240]
found = kept[((queries[:, None] - base[kept]) ** 2).sum(axis=2).argsort(axis=1)[:, : int(k)]]
with open(ids, "wb") as stream:
    if ids.endswith(".npy"):
        np.save(stream, found)
    elif ids.endswith(".ibin"):
        stream.write(np.array(found.shape, "<u4").tobytes() + found.astype("<i4").tobytes())
    else:
        rows = np.concatenate([np.full((len(found), 1), found.shape[1]), found], axis=1)
        stream.write(rows.astype("<i4").tobytes())
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A command whose recall is about 0.8."""
    (tmp_path / "answer.py").write_text(PROGRAM)
    return f"{sys.executable} {tmp_path / 'answer.py'}"


@pytest.mark.parametrize(
    "fields",
    [
        "{base} {queries} {ids} {k} {seed}",
        "{base:fvecs} {queries:npy} {ids:ivecs} {k} {seed}",
        "{base:npy} {queries:fbin} {ids:npy} {k} {seed}",
    ],
)
def test_a_command_reads_and_writes_each_format(program: str, fields: str) -> None:
    """Whatever the formats, the builds have the same values."""
    found = recall_at_least(0.8, Command(f"{program} {fields}"), loss=0.1, **DATA)
    assert found.outcome == "kept"
    assert found.mean == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("x {base} {queries} {ids}", r"lacks \{seed\}"),
        ("x", r"lacks \{base\}, \{queries\}, \{ids\}, \{seed\}"),
        ("x {bas} {queries} {ids} {seed}", r"\{bas\} is no field"),
        ("x {base:csv} {queries} {ids} {seed}", r"give \{base:fbin\}, \{base:fvecs\}"),
        ("x {base} {base:npy} {queries} {ids} {seed}", "in two formats"),
        ("x {base} {queries} {ids} {seed:03d}", r"\{seed:03d\} is not known; give \{seed\}"),
        ("x {base} {queries} {ids} {seed", "write {{ and }} for braces"),
    ],
)
def test_a_command_that_cannot_be_filled_is_refused(command: str, said: str) -> None:
    """Before anything runs."""
    with pytest.raises(VbenchError, match=said):
        Command(command)


FIELDS = ["{base}", "{queries}", "{ids}", "{seed}"]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('no such metric')", "ended with code 1: no such metric"),
        ("pass", "wrote no ids"),
        ("import sys; open(sys.argv[3], 'wb').write(b'12345')", "ids.ibin"),
    ],
)
def test_what_goes_wrong_in_a_command_is_said(program: str, said: str) -> None:
    """With the command itself, what it printed, and the build it was."""
    command = Command([sys.executable, "-c", program, *FIELDS])
    with pytest.raises(VbenchError, match=said) as raised:
        recall_at_least(0.8, command, loss=0.1, **DATA)
    assert raised.value.__notes__[0].startswith("in build 1 of the test")


def test_a_command_has_so_much_time() -> None:
    """What takes longer is ended."""
    command = Command([sys.executable, "-c", "import time; time.sleep(60)", *FIELDS], timeout=0.2)
    with pytest.raises(VbenchError, match=r"took longer than 0\.2 s"):
        recall_at_least(0.8, command, loss=0.1, **DATA)


def test_a_command_that_is_not_there_is_named() -> None:
    """As is that it needs vectors to read."""
    command = Command("./no-such-program {base} {queries} {ids} {seed}")
    with pytest.raises(VbenchError, match=r"no-such-program .* cannot be run"):
        recall_at_least(0.8, command, loss=0.1, **DATA)
    with pytest.raises(VbenchError, match="needs base and queries"):
        recall_at_least(0.8, command, loss=0.1)
