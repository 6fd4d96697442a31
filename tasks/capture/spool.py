"""Objects that wait on disk while the store is away; they survive the process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Bytes on their way to a key."""

    key: str
    data: bytes
    content_type: str


class Spool:
    """A folder of parcels, oldest first, up to `limit` bytes; what does not fit is refused, never overwritten."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._bytes = 0
        self._count = 0
        self.recount()

    def __len__(self) -> int:
        return self._count

    def recount(self) -> None:
        """Look at the folder again: another process may share it."""
        files = self._files()
        self._count = len(files)
        self._bytes = sum(path.stat().st_size for path in files)

    def add(self, parcel: Parcel) -> bool:
        """Keep a parcel; False when there is no room for it."""
        header = json.dumps({"key": parcel.key, "type": parcel.content_type}).encode()
        body = header + b"\n" + parcel.data
        if self._bytes + len(body) > self._limit:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(parcel.key)
            known = path.is_file()
            before = path.stat().st_size if known else 0
            scratch = path.with_suffix(".new")
            scratch.write_bytes(body)
            scratch.replace(path)
        except OSError:
            return False
        self._bytes += len(body) - before
        self._count += 0 if known else 1
        return True

    def waiting(self) -> Iterator[Parcel]:
        """Every parcel, oldest first; one that cannot be read is put aside as `*.bad`."""
        for path in self._files():
            try:
                header, data = path.read_bytes().split(b"\n", 1)
                values = json.loads(header)
                yield Parcel(key=str(values["key"]), data=data, content_type=str(values["type"]))
            except FileNotFoundError:
                continue
            except (ValueError, KeyError, TypeError):
                path.replace(path.with_suffix(".bad"))

    def remove(self, parcel: Parcel) -> None:
        """Forget a parcel that has arrived."""
        path = self._path(parcel.key)
        if path.is_file():
            self._bytes -= path.stat().st_size
            self._count -= 1
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}.parcel"

    def _files(self) -> list[Path]:
        files = self._folder.glob("*.parcel") if self._folder.is_dir() else ()
        return sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name))
