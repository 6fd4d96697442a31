"""What image bytes are, decided in the order that keeps a hostile file cheap.

Size, magic bytes, the header's claim about pixels, and only then a full decode. The decoders for JPEG, PNG and WebP
are called directly: the extension is ignored, no other decoder can be reached, and a patched `Image.open` (ultralytics
brings one that installs packages) is never asked.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from tasks.adapters.image_magic import Format, claimed_size, is_complete, recognise
from tasks.domain.contract_reasons import Reason, Rejected

if TYPE_CHECKING:
    from PIL import ImageFile

MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000
MAX_SIDE = 16_384
MIN_SIDE = 10
"""ultralytics drops images below ten pixels a side from training without a word."""

_HEADER_BYTES = 128
"""A damaged file shorter than this is a scrap of a header: nothing says what it was."""

_ORIENTATION = 0x0112
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
        image = _decoder(found)(BytesIO(data))
    except _FAULTS as error:
        if len(data) < _HEADER_BYTES:
            return Rejected(reason=Reason.UNKNOWN_FORMAT, note=f"{len(data)} bytes that begin like {found}: {error}")
        cut_off = found is Format.WEBP or (found is Format.JPEG and not is_complete(data, found))
        reason = Reason.TRUNCATED if cut_off else Reason.BAD_HEADER
        return Rejected(reason=reason, note=str(error))
    with image:
        if fault := _size_fault(*image.size):
            return fault
        if getattr(image, "is_animated", False) and found is not Format.JPEG:
            return Rejected(reason=Reason.ANIMATED, note=f"{getattr(image, 'n_frames', 2)} frames")
        if not is_complete(data, found):
            reason = Reason.CORRUPT if found is Format.PNG else Reason.TRUNCATED
            return Rejected(reason=reason, note="the end mark is missing")
        return _decoded(image, data, found)


def _decoder(found: Format) -> type[ImageFile.ImageFile]:
    from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    return {
        Format.JPEG: JpegImagePlugin.JpegImageFile,
        Format.PNG: PngImagePlugin.PngImageFile,
        Format.WEBP: WebPImagePlugin.WebPImageFile,
    }[found]


def _decoded(image: ImageFile.ImageFile, data: bytes, found: Format) -> ImageFacts | Rejected:
    try:
        width, height = image.size
        mode = image.mode
        image.load()
        orientation = _orientation(image)
        extrema = image.convert("L").getextrema() if mode == "P" else image.getextrema()
    except _FAULTS as error:
        cut_off = found is not Format.PNG and any(word in str(error) for word in ("truncated", "broken", "read next"))
        return Rejected(reason=Reason.TRUNCATED if cut_off else Reason.CORRUPT, note=str(error))
    notes = [
        "exif_rotated" if orientation > 1 else "",
        "cmyk_converted" if mode in ("CMYK", "YCCK") else "",
        "16bit_to_8bit" if found is Format.PNG and data[24] == 16 else "",
        "low_information" if _constant(extrema) else "",
    ]
    if orientation >= 5:
        width, height = height, width
    return ImageFacts(format=found.value, width=width, height=height, note=" ".join(filter(None, notes)))


def _orientation(image: ImageFile.ImageFile) -> int:
    """1..8; damaged EXIF data count as upright, as they do for OpenCV."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _FAULTS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _constant(extrema: object) -> bool:
    if not isinstance(extrema, tuple):
        return False
    bands = extrema if extrema and isinstance(extrema[0], tuple) else (extrema,)
    return all(low == high for low, high in bands)
