"""Small pictures inside a page: no EXIF, no profile, no remote address, at most 50 KB each."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from tasks.domain.errors import ContractError

SIDE = 300
"""Pixels of the longer side."""

LIMIT = 50_000
"""Most bytes of a picture inside a page."""

ORIENTATION = 0x0112
SIDEWAYS = {5, 6, 7, 8}
"""EXIF: where it says how the camera was held, and what it says when width and height change places."""

MADE = 1
"""Changes whenever the same image would give another small picture."""

_HASH = re.compile(r"[0-9a-f]{64}")
_QUALITIES = (82, 65, 45, 25)
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """JPEG or PNG bytes of at most `LIMIT`, with what it shows in plain text."""

    data: bytes
    caption: str = ""

    @property
    def uri(self) -> str:
        """The picture as a data: address. Raises `ContractError` when it is too large or no JPEG or PNG."""
        kind = next((kind for magic, kind in _MAGIC.items() if self.data.startswith(magic)), None)
        if kind is None or len(self.data) > LIMIT:
            raise ContractError(f"a picture on a page is a JPEG or PNG of at most {LIMIT} bytes: use `thumbnail`")
        return f"data:{kind};base64,{base64.b64encode(self.data).decode('ascii')}"


def thumbnail(
    image: Path,
    caption: str = "",
    side: int = SIDE,
    part: tuple[float, float, float, float] | None = None,
    limit: int = LIMIT,
) -> Picture:
    """The image, upright, fitted into `side` x `side` pixels, as JPEG; of it `part` (x, y, width, height) if given.

    At most `limit` bytes, by lower quality and in the end by a smaller picture. A file that is named by the hash of its
    bytes (the local copies of images are) is decoded once: what was made of it is kept in a folder beside it.

    Raises:
        ContractError: the file is no readable image; it was accepted earlier, so it changed since.
    """
    place = _place(image, repr((MADE, side, part, limit)))
    data = _kept(place, limit)
    if not data:
        data = _made(image, side, part, limit)
        _keep(place, data)
    return Picture(data=data, caption=caption)


def _made(image: Path, side: int, part: tuple[float, float, float, float] | None, limit: int) -> bytes:
    with _opened(image) as opened:
        if part is None:
            opened.draft("RGB", (2 * side, 2 * side))
        small = ImageOps.exif_transpose(opened).convert("RGB")
        if part is not None:
            x, y, width, height = part
            small = small.crop(
                (round(x), round(y), max(round(x + width), round(x) + 1), max(round(y + height), round(y) + 1))
            )
        small.thumbnail((side, side))
    for quality in _QUALITIES:
        data = _jpeg(small, quality)
        if len(data) <= limit:
            return data
    return _made(image, side // 2, part, limit)


def _place(image: Path, how: str) -> Path | None:
    """Where the small picture of an image lies, or would lie; None for a file whose name does not say its bytes."""
    if not _HASH.fullmatch(image.name):
        return None
    return image.parent / "small" / f"{image.name}-{hashlib.sha256(how.encode()).hexdigest()[:16]}"


def _kept(place: Path | None, limit: int) -> bytes:
    """The small picture, empty where it was never made or is damaged."""
    data = place.read_bytes() if place is not None and place.is_file() else b""
    return data if data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9") and len(data) <= limit else b""


def _keep(place: Path | None, data: bytes) -> None:
    if place is None:
        return
    place.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".write-", delete=False) as file:
        file.write(data)
    Path(file.name).replace(place)


def shown_size(image: Path) -> tuple[int, int]:
    """Width and height in pixels of the image as it is shown (after EXIF rotation). Raises as `thumbnail` does."""
    with _opened(image) as opened:
        turned = opened.getexif().get(ORIENTATION, 1) in SIDEWAYS
        return (opened.height, opened.width) if turned else opened.size


@contextmanager
def _opened(image: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(image, formats=("JPEG", "PNG", "WEBP")) as opened:
            yield opened
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
        raise ContractError(f"cannot make a picture of {image.name[:80]!r}: {error}") from error


def _jpeg(image: Image.Image, quality: int) -> bytes:
    clean = Image.frombytes("RGB", image.size, image.tobytes())
    buffer = io.BytesIO()
    clean.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
