"""Files at an address, written whole: `s3://`, `gs://`, what fsspec writes.

A store shows an object when all of it has come, so that one that is there is whole, as a file is
that is renamed into place.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vbench.data.arrays import first_line
from vbench.data.files import whole_file
from vbench.data.importing.remote import explained
from vbench.errors import DataError, MissingExtraError, VbenchError


class Store(NamedTuple):
    """An address, and what lies below it by names such as ``trials/x.parquet``.

    Each method raises `DataError`, with the address and a reason, where the store refuses.
    """

    address: str

    def marks(self, below: str = "") -> dict[str, str]:
        """What tells the version of each file that is there now."""
        with self._files("read") as (files, root):
            files.invalidate_cache()
            top = f"{root}/{below}".rstrip("/")
            try:
                found: Mapping[str, Mapping[str, Any]] = files.find(top, detail=True)
            except FileNotFoundError:
                return {}
            return {
                name.removeprefix(f"{root}/"): _mark(facts)
                for name, facts in found.items()
                if name.startswith(f"{top}/")
            }

    def read(self, name: str) -> bytes | None:
        """What a file holds; None where there is none."""
        with self._files("read") as (files, root):
            try:
                found: bytes = files.cat_file(f"{root}/{name}")
            except FileNotFoundError:
                return None
            return found

    def write(self, name: str, content: bytes) -> str:
        """Write a file whole; its mark."""
        with self._files("written") as (files, root):
            files.pipe_file(f"{root}/{name}", content)
            return _mark(files.info(f"{root}/{name}"))

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one, of which the store is the judge; whether it was."""
        with self._files("written") as (files, root):
            try:
                files.pipe_file(f"{root}/{name}", content, mode="create")
            except Exception:
                if files.exists(f"{root}/{name}"):
                    return False
                raise
            return True

    def put(self, path: Path, name: str) -> str:
        """Put a file there whole; its mark."""
        with self._files("written") as (files, root):
            files.put_file(str(path), f"{root}/{name}")
            return _mark(files.info(f"{root}/{name}"))

    def bring(self, name: str, path: Path) -> None:
        """Copy a file here, whole."""
        with (
            self._files("read") as (files, root),
            files.open(f"{root}/{name}", "rb") as source,
            whole_file(path) as target,
        ):
            shutil.copyfileobj(source, target, 8 << 20)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are gone already are gone."""
        with self._files("written") as (files, root):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    files.rm_file(f"{root}/{name}")

    @contextlib.contextmanager
    def _files(self, doing: str) -> Iterator[tuple[Any, str]]:
        try:
            import fsspec

            files, root = fsspec.core.url_to_fs(self.address, use_listings_cache=False)
            yield files, root.rstrip("/")
        except ImportError:
            raise MissingExtraError(f"using {self.address}", "remote") from None
        except VbenchError:
            raise
        except FileNotFoundError as error:
            raise DataError(
                f"{self.address}: cannot be {doing}: there is no such bucket, or no such file "
                f"({first_line(error)})"
            ) from None
        except Exception as error:
            raise explained(self.address, error, doing) from None


def check_name(name: str, address: str) -> None:
    """Refuse a name that leads out of the folder that it is brought to; DataError."""
    if name.startswith("/") or ".." in name.split("/"):
        raise DataError(f"{address}: {name} leads out of its folder")


def _mark(facts: Mapping[str, Any]) -> str:
    known = ("ETag", "etag", "md5Hash", "LastModified", "mtime", "created")
    return " ".join([str(facts.get("size")), *(str(facts[key]) for key in known if key in facts)])
