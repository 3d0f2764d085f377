"""The code that an index is made of: its own modules by content, libraries by their version.

Its own are the modules of its classes, and those of the same package or folder that they import,
compiled ones too. What they import from elsewhere is known by the version of its distribution,
or by its files where that is installed as editable or is no distribution at all.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution, PackageNotFoundError, packages_distributions
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from vbench._plugins import installed_version
from vbench.indexes.protocol import Index

_HARNESS = "vbench"
_BUILT_IN = "vbench.indexes"
_INSTALLED = {"site-packages", "dist-packages"}
_LIBRARIES = (*EXTENSION_SUFFIXES, ".dll", ".dylib")


class Code(NamedTuple):
    """What was found: a digest of the files, the files, and the versions by distribution."""

    digest: str
    files: tuple[Path, ...]
    versions: Mapping[str, str]


def code_of(kind: type[Index]) -> Code:
    """The code of an index's class, without running any of it."""
    walk = _Walk()
    for each in _classes(kind):
        module = sys.modules.get(each.__module__)
        if module is not None:
            walk.own(module)
    digest = hashlib.sha256()
    for name, content in sorted(walk.contents.items()):
        digest.update(f"{name}|{content}|".encode())
    named = {name: installed_version(name) or "not installed" for name in ("numpy", *kind.requires)}
    return Code(
        digest.hexdigest()[:16],
        tuple(sorted(walk.files)),
        dict(sorted((walk.versions | named).items())),
    )


def _classes(kind: type[Index]) -> Iterator[type]:
    """The class, what it inherits from, and what it wraps."""
    yield from (each for each in kind.__mro__ if each not in (Index, object))
    wrapped = getattr(kind, "wrapped", None)
    if isinstance(wrapped, type):
        yield from (each for each in wrapped.__mro__ if each is not object)


class _Walk:
    """Follows imports from module to module.

    Attributes
    ----------
    contents
        Digest of each file by the name of its module, which does not tell where it lies.
    """

    def __init__(self) -> None:
        self.contents: dict[str, str] = {}
        self.files: set[Path] = set()
        self.versions: dict[str, str] = {}
        self._seen: set[str] = set()

    def own(self, module: ModuleType) -> None:
        """Take in a module of the index, and all that it imports."""
        file, name = getattr(module, "__file__", None), module.__name__
        if file is None or name == "__main__" or _is_other_harness(name):
            return
        path = Path(file)
        home = _Home.of(name, path)
        self._take(name, path, home)
        if home.folder is not None:
            # A library may be opened without being imported.
            for library in sorted(home.folder.iterdir()):
                if library.name.endswith(_LIBRARIES):
                    self._read(f"library {library.name}", library)

    def _take(self, name: str, path: Path, home: _Home) -> None:
        """Read a module, and follow its imports."""
        if name in self._seen:
            return
        self._seen.add(name)
        self._read(name, path)
        self._note_version(name)
        for wanted in _imports(name, path):
            # What our own adapters import beside each other is a dependency of the harness.
            if not _is_harness(name) or _is_harness(wanted):
                self._follow(wanted, home)

    def _follow(self, name: str, home: _Home) -> None:
        top = name.partition(".")[0]
        if name in self._seen or top in sys.stdlib_module_names or _is_other_harness(name):
            return
        if home.has(top, _location(top)):
            # The packages above a module are run before it.
            if above := name.rpartition(".")[0]:
                self._follow(above, home)
            path = _location(name)
            if path is not None:
                self._take(name, path, home)
        elif top not in self._seen:
            self._elsewhere(top)

    def _elsewhere(self, top: str) -> None:
        """A module from another place: by version if it is installed, else by its files."""
        path, distributions = _location(top), _distributions().get(top, [])
        if path is None:
            return
        if not distributions:
            self._take(top, path, _Home.of(top, path))
            return
        self._seen.add(top)
        self._note_version(top)
        if any(map(_is_editable, distributions)):
            folder = path.parent
            for file in [path] if path.name != "__init__.py" else sorted(folder.rglob("*")):
                if file.name.endswith((".py", *_LIBRARIES)):
                    self._read(f"{top}: {file.relative_to(folder)}", file)

    def _read(self, name: str, path: Path) -> None:
        try:
            with path.open("rb") as stream:
                self.contents[name] = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
        except OSError:
            return
        self.files.add(path)

    def _note_version(self, name: str) -> None:
        if _is_harness(name):
            return
        for distribution in _distributions().get(name.partition(".")[0], []):
            found = installed_version(distribution)
            if found is not None:
                self.versions[distribution] = found


class _Home(NamedTuple):
    """Where modules are an index's own: in its package, or beside it in its folder."""

    package: str | None
    folder: Path | None

    @classmethod
    def of(cls, name: str, path: Path) -> _Home:
        top = name.partition(".")[0]
        is_package = top != name or path.name == "__init__.py"
        # What stands alone among all that is installed has no folder of its own.
        alone = is_package or bool(_INSTALLED & set(path.parts))
        return cls(top if is_package else None, None if alone else path.parent)

    def has(self, top: str, path: Path | None) -> bool:
        """Whether a top-level module, found at `path`, is the index's own."""
        if self.package is not None:
            return top == self.package
        if self.folder is None:
            return False
        if path is None:  # a folder without __init__.py is a package too
            return (self.folder / top).is_dir()
        try:
            below = path.resolve().relative_to(self.folder.resolve())
        except ValueError:
            return False
        # A virtual environment may lie within the folder.
        return not _INSTALLED & set(below.parts)


def _is_harness(name: str) -> bool:
    return name == _HARNESS or name.startswith(f"{_HARNESS}.")


def _is_other_harness(name: str) -> bool:
    """Whether a module is ours, and no adapter."""
    return _is_harness(name) and not name.startswith(f"{_BUILT_IN}.")


def _location(name: str) -> Path | None:
    """The file of a module, found without importing more than the packages above it."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return Path(file) if file else None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found = importlib.util.find_spec(name)
    # Looking for a module may run the packages above it, which may raise anything.
    except Exception:
        return None
    if found is None or found.origin is None or not Path(found.origin).is_file():
        return None
    return Path(found.origin)


def _imports(name: str, path: Path) -> tuple[str, ...]:
    """Full names of the modules that a module's source imports, wherever in it."""
    if path.suffix != ".py":
        return ()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    try:
        return _named(path.read_bytes(), package)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ()


@functools.lru_cache(1024)
def _named(source: bytes, package: str) -> tuple[str, ...]:
    """Of a source in a package; kept, since every run of a process asks for those of all."""
    return tuple(_walk_imports(ast.parse(source), package))


def _walk_imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = module or ""
                if level:
                    above = package.split(".")[: len(package.split(".")) - level + 1]
                    base = ".".join(filter(None, [*above, base]))
                if base:
                    yield base
                    # What is imported may be a module itself.
                    yield from (f"{base}.{each.name}" for each in names if each.name != "*")
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(wanted)), *_],
            ) if not wanted.startswith("."):
                yield wanted


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


@functools.cache
def _is_editable(distribution: str) -> bool:
    try:
        text = Distribution.from_name(distribution).read_text("direct_url.json")
        return bool(text and json.loads(text).get("dir_info", {}).get("editable"))
    except (PackageNotFoundError, ValueError):
        return False
