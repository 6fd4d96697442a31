"""What image bytes are, decided in the order that keeps a hostile file cheap.

Size, magic bytes, the header's claim about pixels, and only then a full decode. The decoders for JPEG, PNG and WebP
are called directly: the extension is ignored, no other decoder can be reached, and a patched `Image.open` (ultralytics
brings one that installs packages) is never asked.
"""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from tasks.adapters.image_ends import data_fault, exif_orientation, is_complete, png_exif
from tasks.adapters.image_magic import Format, claimed_size, recognise
from tasks.adapters.jpeg_scans import lacks_scans
from tasks.domain.contract_reasons import Reason, Rejected

if TYPE_CHECKING:
    from PIL import Image, ImageFile

MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000
MAX_SIDE = 16_384
MIN_SIDE = 10
"""ultralytics drops images below ten pixels a side from training without a word."""

_HEADER_BYTES = 128
"""A damaged file shorter than this is a scrap of a header: nothing says what it was."""

_QUIET = threading.Lock()
"""Filters of warnings belong to the whole process: one thread at a time changes them, for the time of a header."""

_BLOCK_ROWS = 16
"""Most rows of one row of blocks in a JPEG."""

_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    TypeError,
    KeyError,
    EOFError,
    OverflowError,
    MemoryError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged files (its own `open` expects the same mixture)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """A picture that can be used. `width` and `height` are pixels as shown; `note` says what is unusual, or ''."""

    format: str
    width: int
    height: int
    note: str = ""


def inspect(data: bytes, max_bytes: int = MAX_BYTES) -> ImageFacts | Rejected:
    """What the bytes are, or why they are refused; nothing is raised, whatever the bytes."""
    if not data:
        return Rejected(reason=Reason.EMPTY, note="0 bytes")
    if len(data) > max_bytes:
        return Rejected(reason=Reason.TOO_LARGE, note=f"{len(data)} bytes, at most {max_bytes}")
    found = recognise(data)
    if isinstance(found, Rejected):
        return found
    claimed = claimed_size(data, found)
    if claimed and (fault := _size_fault(*claimed)):
        return fault
    return _opened(data, found)


def _size_fault(width: int, height: int) -> Rejected | None:
    note = f"{width}x{height} pixels"
    if width < 1 or height < 1:
        return Rejected(reason=Reason.BAD_HEADER, note=note)
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        return Rejected(reason=Reason.TOO_MANY_PIXELS, note=note)
    if min(width, height) < MIN_SIDE:
        return Rejected(reason=Reason.TOO_SMALL, note=note)
    return None


def _opened(data: bytes, found: Format) -> ImageFacts | Rejected:
    try:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata that nobody here reads
            image = _decoder(found)(BytesIO(data))
    except _FAULTS as error:
        if len(data) < _HEADER_BYTES:
            return Rejected(reason=Reason.UNKNOWN_FORMAT, note=f"{len(data)} bytes that begin like {found}: {error}")
        cut_off = found is Format.WEBP or (found is Format.JPEG and not is_complete(data, found))
        reason = Reason.TRUNCATED if cut_off else Reason.BAD_HEADER
        return Rejected(reason=reason, note=str(error))
    with image:
        return _structure_fault(image, data, found) or _decoded(image, data, found)


def _structure_fault(image: ImageFile.ImageFile, data: bytes, found: Format) -> Rejected | None:
    """Why the picture is refused before it is decoded, or None."""
    if fault := _size_fault(*image.size):
        return fault
    if getattr(image, "is_animated", False) and found is not Format.JPEG:
        return Rejected(reason=Reason.ANIMATED, note=f"{getattr(image, 'n_frames', 2)} frames")
    if not is_complete(data, found):
        reason = Reason.CORRUPT if found is Format.PNG else Reason.TRUNCATED
        return Rejected(reason=reason, note="the end mark is missing")
    return data_fault(data, found)


def _decoder(found: Format) -> type[ImageFile.ImageFile]:
    from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    return {
        Format.JPEG: JpegImagePlugin.JpegImageFile,
        Format.PNG: PngImagePlugin.PngImageFile,
        Format.WEBP: WebPImagePlugin.WebPImageFile,
    }[found]


def _decoded(image: ImageFile.ImageFile, data: bytes, found: Format) -> ImageFacts | Rejected:
    if found is Format.PNG:
        return _png(image, data)
    try:
        image.load()
        constant = all(low == high for low, high in _extrema(image))
        unfinished = found is Format.JPEG and not constant and _grey_bottom(image) and _ends_early(data, image.height)
    except _FAULTS as error:
        cut_off = any(word in str(error) for word in ("truncated", "read next"))
        return Rejected(reason=Reason.TRUNCATED if cut_off else Reason.CORRUPT, note=str(error))
    if unfinished:
        return Rejected(reason=Reason.TRUNCATED, note="the data end before the picture does, but an end mark was added")
    unusual = ["cmyk_converted"] if image.mode in ("CMYK", "YCCK") else []
    return _facts(image, found, exif_orientation(image.info.get("exif")), [*unusual, *(["low_information"] * constant)])


def _png(image: ImageFile.ImageFile, data: bytes) -> ImageFacts | Rejected:
    """By the decoder that reads it later: Pillow forgives checksums and orders of chunks that libpng does not."""
    import cv2
    import numpy as np

    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    if shown is None or shown.shape[1::-1] != image.size:
        return Rejected(reason=Reason.CORRUPT, note="its chunks or their checksums contradict each other")
    unusual = ["16bit_to_8bit"] if data[24] == 16 else []
    constant = bool(shown.min() == shown.max())
    return _facts(image, Format.PNG, exif_orientation(png_exif(data)), [*unusual, *(["low_information"] * constant)])


def _facts(image: ImageFile.ImageFile, found: Format, orientation: int, unusual: list[str]) -> ImageFacts:
    width, height = image.size[::-1] if orientation >= 5 else image.size
    notes = ["exif_rotated"] if orientation > 1 else []
    return ImageFacts(format=found.value, width=width, height=height, note=" ".join([*notes, *unusual]))


def _extrema(image: Image.Image) -> list[tuple[float, float]]:
    """Smallest and largest value of each band."""
    found = image.getextrema()
    return [found] if isinstance(found[0], int | float) else list(found)


def _grey_bottom(image: Image.Image) -> bool:
    """Whether the last rows have the one grey that a JPEG decoder fills in where data are missing."""
    width, height = image.size
    bottom = image.crop((0, max(height - 8, 0), width, height))
    return all(127 <= low == high <= 128 for low, high in _extrema(bottom)[:3])


def _ends_early(data: bytes, height: int) -> bool:
    """Whether, without its end mark, the decoder stops rows before the picture's end: then there never was more.

    A whole picture lacks at most its last blocks then. Of a progressive one no row comes before the end mark, but its
    scans are counted: where the first was cut off, the others are missing. With all of them grey is what was seen.
    """
    image = _decoder(Format.JPEG)(BytesIO(data[: data.rfind(b"\xff\xd9")]))
    if image.info.get("progressive"):
        return lacks_scans(data)
    with image, suppress(*_FAULTS):
        image.load()
    done = image.im.getbbox() if image.im is not None else None
    return done is None or done[3] < height - 2 * _BLOCK_ROWS
