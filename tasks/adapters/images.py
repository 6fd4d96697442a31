"""Image bytes: judged before they are decoded, kept locally under their content hash.

Keys never become local paths. Images are judged, and boxes refer to them, as they are shown: after EXIF rotation.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.adapters.image_facts import ImageFacts, inspect
from tasks.adapters.objects import MAX_BYTES, ObjectStore
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.errors import ContractError, NotFound, ObjectRejected

__all__ = ["ImageCache", "ImageFacts", "Rejected", "inspect", "read_pixels"]

_HASH = re.compile(r"[0-9a-f]{64}")


class ImageCache:
    """Files by the SHA-256 of their bytes, and which object of the bucket held which bytes."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where bytes with this hash lie, or would lie (no suffix: the format is told by the bytes)."""
        if not _HASH.fullmatch(sha256):
            raise ContractError(f"{sha256[:80]!r} is not a SHA-256 in hex")
        return self._folder / sha256[:2] / sha256

    def add(self, data: bytes) -> str:
        """Keep bytes; gives their hash."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if not path.is_file():
            _write_whole(path, data)
        return sha256

    def fetch(self, key: str, sha256: str = "", max_bytes: int = MAX_BYTES) -> Path:
        """The local file of an object, downloaded when it is missing.

        Args:
            key: Object key; opaque.
            sha256: Hash that the bytes must have; with it nothing is downloaded twice.
            max_bytes: A larger object is refused before it is downloaded.

        Raises:
            NotFound: the object is gone and its bytes are not here.
            ObjectRejected: the object has other bytes than `sha256` says.
        """
        if sha256 and self.path(sha256).is_file():
            return self.path(sha256)
        data = self._store.get(key, max_bytes)
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise ObjectRejected(Reason.CHECKSUM, f"{key[:200]!r} no longer has the bytes with hash {sha256[:12]}")
        return self.path(self.add(data))

    def held(self, key: str, max_bytes: int = MAX_BYTES) -> str:
        """Hash of the bytes that the bucket holds under this key now; empty when it holds none.

        A version of the object that was read before is not downloaded again.

        Raises:
            ObjectRejected: it holds something that cannot be read as a whole.
        """
        before = self._store.stat(key)
        if before is None:
            return ""
        if known := self.known(key, before.etag):
            return known
        try:
            sha256 = self.add(self._store.get(key, max_bytes))
        except NotFound:  # deleted in between
            return ""
        after = self._store.stat(key)
        if after is not None and after.etag == before.etag:  # else these may be the bytes of another version
            self.remember(key, before.etag, sha256)
        return sha256

    def known(self, key: str, etag: str) -> str:
        """Hash of the bytes that this version of the object had, when they are still here; else an empty text."""
        note = self._note(key, etag)
        if not note.is_file():
            return ""
        sha256 = note.read_text(encoding="ascii", errors="replace").strip()
        return sha256 if _HASH.fullmatch(sha256) and self.path(sha256).is_file() else ""

    def remember(self, key: str, etag: str, sha256: str) -> None:
        """Note that this version of the object has these bytes."""
        _write_whole(self._note(key, etag), sha256.encode())

    def _note(self, key: str, etag: str) -> Path:
        name = hashlib.sha256(f"{self._store.bucket}\0{key}\0{etag}".encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / "objects" / name[:2] / name


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """The picture as it is shown: `(height, width, 3)` uint8, blue-green-red, EXIF rotation applied.

    Raises:
        ContractError: the file is not a picture that can be decoded; inspect bytes before they get here.
    """
    import cv2

    data = np.fromfile(path, dtype=np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if pixels is None:
        raise ContractError(f"{path.name[:16]}… cannot be decoded")
    return np.asarray(pixels, dtype=np.uint8)


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".write-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
