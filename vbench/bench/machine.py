"""What a run is measured on: machine, packages, revision, BLAS and SIMD kernels."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import psutil
import threadpoolctl

from vbench._plugins import installed_version
from vbench._process.cores import usable_cores
from vbench.runs.schema import Environment, Machine

_LEVELS = ("SSE", "AVX", "AVX2", "AVX-512")
_FLAGS = {"avx": 1, "avx2": 2, "avx512f": 3}
_KERNELS: tuple[tuple[str, ...], ...] = (
    (
        *("prescott", "core2", "penryn", "dunnington", "nehalem", "atom", "athlon", "opteron"),
        *("barcelona", "bobcat", "nano", "generic", "katmai", "coppermine", "northwood", "banias"),
    ),
    ("sandybridge", "bulldozer", "piledriver", "steamroller"),
    ("haswell", "zen", "excavator"),
    ("skylakex", "cooperlake", "sapphirerapids"),
)
_OF_KERNEL = {name: level for level, names in enumerate(_KERNELS) for name in names}
"""OpenBLAS names its kernels after processors."""


def kernels() -> dict[str, str]:
    """Kernels by library, as far as the libraries that are loaded tell."""
    found = {}
    for each in threadpoolctl.threadpool_info():
        if each["user_api"] == "blas":
            parts = (each["internal_api"], each.get("version"), each.get("architecture"))
            found[f"{_owner(each['filepath'])} BLAS"] = " ".join(str(p) for p in parts if p)
    for name, module in (("faiss", "get_compile_options"), ("numpy", "show_config")):
        tell = getattr(sys.modules.get(name), module, None)
        if tell is not None:
            with contextlib.suppress(Exception):  # a detail that some versions do not tell
                found[f"{name} SIMD"] = _numpy_simd(tell) if name == "numpy" else tell().strip()
    return found


def _numpy_simd(show_config: object) -> str:
    assert callable(show_config)
    extensions = show_config(mode="dicts")["SIMD Extensions"]
    return " ".join([*extensions.get("baseline", []), *extensions.get("found", [])])


def _owner(file: str) -> str:
    """The package that brought a library: faiss_cpu of ``…/site-packages/faiss_cpu.libs/x.so``."""
    parts = Path(file).parts
    if "site-packages" in parts[:-1]:
        return parts[parts.index("site-packages") + 1].removesuffix(".libs")
    return Path(file).name.partition(".")[0]


def outdated_kernels(found: Mapping[str, str], flags: frozenset[str] | None = None) -> list[str]:
    """What to say of each BLAS whose kernel, of :func:`kernels`, is older than the processor.

    `flags` are what the processor can do; default: what the system says of this one.
    """
    able = max((_FLAGS[each] for each in flags or processor_flags() if each in _FLAGS), default=0)
    said = []
    for library, text in found.items():
        kernel = text.rpartition(" ")[2]
        level = _OF_KERNEL.get(kernel.lower())
        if library.endswith(" BLAS") and level is not None and level < able:
            said.append(
                f"{library} runs its {kernel} kernel ({_LEVELS[level]}), "
                f"the processor has {_LEVELS[able]}"
            )
    return said


def processor_flags() -> frozenset[str]:
    """The instruction sets of the processor, as Linux lists them; empty elsewhere."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return frozenset()
    lines = (line for line in info.read_text().splitlines() if line.startswith("flags"))
    return frozenset(next(lines, "").partition(":")[2].split())


_DISTRIBUTION = "vbench-ann"
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def environment() -> Environment:
    """What this process sees of it; workers add the kernels of their libraries."""
    return Environment(
        machine=machine(),
        host=hashlib.sha256(platform.node().encode()).hexdigest()[:12],
        packages=packages(),
        kernels=kernels(),
    )


def machine() -> Machine:
    """Processor, cores, memory and system, as far as the system tells."""
    return Machine(
        processor=_processor(),
        architecture=platform.machine(),
        cores=psutil.cpu_count(logical=False) or psutil.cpu_count(),
        usable_cores=len(usable_cores()),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        governor=_GOVERNOR.read_text().strip() if _GOVERNOR.is_file() else None,
    )


def packages() -> dict[str, str]:
    """Versions of vbench and all its direct dependencies, as far as they are installed."""
    try:
        needed = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        needed = []
    names = [_DISTRIBUTION, *(re.split(r"[\s\[<>=!~;(]", each, maxsplit=1)[0] for each in needed)]
    found = {name: installed_version(name) for name in dict.fromkeys(names)}
    return {name: each for name, each in found.items() if each is not None}


def git_revision() -> str | None:
    """Revision of the checkout that vbench runs from, with a + when it was changed; else None."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
