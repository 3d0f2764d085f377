"""Which BLAS and SIMD kernels the libraries of this process run, and whether they are outdated."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path

import threadpoolctl

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
    """What to say of each BLAS whose kernel is older than the processor.

    Parameters
    ----------
    found
        As :func:`kernels` gives it.
    flags
        What the processor can do; default: what the system says of this one.
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
