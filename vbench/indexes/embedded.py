"""What the adapters of embedded databases share: a folder for their files, and its size."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from vbench.indexes.library import LibraryIndex


class EmbeddedIndex(LibraryIndex):
    """A database inside of this process; its folder goes when the index is closed."""

    _folder: Path | None = None

    def make_folder(self) -> Path:
        """A new folder for the database."""
        self.remove_folder()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{self.module}-"))
        return self._folder

    def remove_folder(self) -> None:
        """Remove all files of the database, if there are some."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def size_bytes(self) -> int | None:
        """Bytes of all files of the database, the vectors included."""
        if self._folder is None:
            return None
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def close(self) -> None:
        super().close()
        self.remove_folder()


def keep_to(threads: int) -> None:
    """Let all threads that a database starts, whatever it is told, have so many cores together."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
