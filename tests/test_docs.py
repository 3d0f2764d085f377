"""The guides name commands, options, keys and schemas that exist, and leave none out."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from vbench.cli import main
from vbench.study.file import Figure, Part, Scaling, Study, Table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
_FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def commands_of(page: Path) -> list[str]:
    """Lines of a page's code that call vbench, long ones joined; what stands behind them cut."""
    found = []
    for kind, code in _FENCE.findall(page.read_text()):
        if kind in ("", "sh", "bash"):
            for line in code.replace("\\\n", " ").splitlines():
                called = line.split("  #")[0].strip().removeprefix("$ ")
                if called.startswith("vbench ") and "[" not in called:
                    found.append(re.split(r"\s{3,}(?=[\w.])", called)[0])
    return found


def calls_of(line: str) -> Iterator[list[str]]:
    """The words of each command of a line, parted as a shell does."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|&;<>()"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def leaves(
    command: click.Command, context: click.Context, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its words."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, click.Context(found, parent=context), (*path, name))
    else:
        yield path, command


LEAVES = dict(leaves(main, click.Context(main)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_of_the_guides_exist_with_their_options(page: Path) -> None:
    """Each line is read by the parser of its command; nothing is run."""
    for line in commands_of(page):
        for words in calls_of(line.replace("…", "x")):
            if words[:1] != ["vbench"] or words[1:2] in (["--help"], ["--version"], ["--debug"]):
                continue
            path = next((w for w in (tuple(words[1:3]), tuple(words[1:2])) if w in LEAVES), None)
            assert path is not None, line
            command = LEAVES[path]
            try:
                command.make_parser(click.Context(command)).parse_args(words[1 + len(path) :])
            except click.UsageError as error:
                raise AssertionError(f"{line}: {error.message}") from None


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_commands_are_documented(path: tuple[str, ...]) -> None:
    """Each says what it does with an example, explains its options, and stands in a guide."""
    command = LEAVES[path]
    assert command.help
    options = [each for each in command.params if isinstance(each, click.Option)]
    shown = [each for each in options if not each.hidden]
    assert [each.opts for each in shown if not each.help and not each.show_default] == []
    called = f"vbench {' '.join(path)}"
    assert any(called in page.read_text() for page in PAGES), called


def test_every_document_stands_in_the_reference() -> None:
    """With its schema, and a link to what it is made of."""
    page = (DOCS / "reference" / "documents.md").read_text()
    schemas = {path.stem for path in (DOCS / "schemas").glob("*.json")}
    assert {name for name in schemas if f"../schemas/{name}.json" not in page} == set()
    for tag in re.findall(r"`(vbench\.[\w.-]+/\d+)`", page):
        name = tag.removeprefix("vbench.").partition("/")[0]
        assert f'"{tag}"' in (DOCS / "schemas" / f"{name}.json").read_text(), tag


def test_every_public_name_stands_in_the_reference() -> None:
    """What `import vbench` gives, and what its functions return, can be looked up by name."""
    import vbench

    named = set(
        re.findall(r"^::: vbench\.(\w+)$", (DOCS / "reference" / "api.md").read_text(), re.M)
    )
    returned = {"Comparison", "RankingLoss", "Tuning"}  # annotations only
    assert set(dir(vbench)) - named - returned == {"__version__"}
    assert named <= set(dir(vbench))


@pytest.mark.parametrize("kind", [Study, Part, Figure, Table, Scaling])
def test_every_key_of_a_study_file_stands_in_the_reference(kind: type[msgspec.Struct]) -> None:
    """What can be written can be looked up."""
    page = (DOCS / "reference" / "study-files.md").read_text()
    assert [key for key in kind.__struct_fields__ if f"`{key}`" not in page] == []


def test_the_study_file_of_the_reference_is_one(tmp_path: Path) -> None:
    """It is read without a complaint."""
    from vbench.study.file import read_study

    page = (DOCS / "reference" / "study-files.md").read_text()
    (tmp_path / "mine.toml").write_text(next(t for k, t in _FENCE.findall(page) if k == "toml"))
    assert len(read_study(str(tmp_path / "mine.toml")).parts) == 2


def test_every_variable_of_the_environment_stands_in_the_reference() -> None:
    """What is read from the environment under a name of ours can be looked up."""
    page = (DOCS / "reference" / "configuration.md").read_text()
    used = {
        node.value
        for path in (ROOT / "vbench").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and re.fullmatch(r"VBENCH_[A-Z]+", str(node.value))
    }
    # It tells a worker that it is one.
    assert {name for name in used - {"VBENCH_CHILD"} if name not in page} == set()


def test_the_tutorial_runs_as_it_stands(tmp_path: Path) -> None:
    """Tables are exported, and each command ends with exit code 0."""
    blocks = _FENCE.findall((DOCS / "tutorial.md").read_text())
    (tmp_path / "export.py").write_text(next(code for kind, code in blocks if kind == "python"))
    script = ["set -e", f"{shlex.quote(sys.executable)} export.py"]
    script += [line for kind, code in blocks if kind == "sh" for line in code.splitlines()]
    program = f"{shlex.quote(sys.executable)} -m vbench"
    done = subprocess.run(
        ["bash", "-c", f'vbench() {{ {program} "$@"; }}\n' + "\n".join(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "shop-run" / "report.html").is_file()
    assert (tmp_path / "verdict.md").is_file()
