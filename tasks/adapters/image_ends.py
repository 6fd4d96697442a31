"""Whether a picture's bytes go on to its end, and which way up it is: read from its structure, without a decoder."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from tasks.adapters.image_magic import Format
from tasks.adapters.jpeg_scans import segments, zero_hole
from tasks.domain.contract_reasons import Reason, Rejected

MAX_SCANS = 100
"""Scans of a progressive JPEG; cameras and encoders write about ten, a bomb thousands that each take a full pass."""

_SCAN = b"\xff\xda"
_END = b"\xff\xd9"
_ORIENTATION = 0x0112
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_SLACK, _PIECE = 1 << 20, 1 << 20


def is_complete(data: bytes, found: Format) -> bool:
    """Whether the format's end mark is there: decoders forgive a missing one, a cut-off upload is still cut off.

    What follows the end mark does not matter: cameras append previews, films and signatures.
    """
    if found is Format.JPEG:
        return _jpeg_ends(data)
    if found is Format.PNG:
        return _png_ends(data)
    return len(data) >= int.from_bytes(data[4:8], "little")


def data_fault(data: bytes, found: Format) -> Rejected | None:
    """Why decoding would take far longer than the size explains, end before its last row, or read zeros; else None."""
    if found is Format.JPEG and (scans := data.count(_SCAN)) > MAX_SCANS:
        return Rejected(reason=Reason.TOO_LARGE, note=f"{scans} scans, at most {MAX_SCANS}")
    if found is Format.JPEG and (hole := zero_hole(data)) >= 0:
        return Rejected(reason=Reason.CORRUPT, note=f"a run of zeros at byte {hole}: that part was never written")
    return _png_fault(data) if found is Format.PNG and len(data) >= 33 else None


def _png_fault(data: bytes) -> Rejected | None:
    """Unpack the data without keeping them: libpng unpacks all there are, and wants every row to be there."""
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    rows = height * (1 + -(-width * bits * _CHANNELS.get(colour, 4) // 8))
    allowed = 2 * rows + _SLACK
    unpacker, total = zlib.decompressobj(), 0
    for start, end in _packed(data):
        rest = data[start:end]
        while rest and total <= allowed:
            try:
                total += len(unpacker.decompress(rest, _PIECE))
            except zlib.error as error:
                return Rejected(reason=Reason.CORRUPT, note=str(error))
            rest = unpacker.unconsumed_tail
    if total > allowed:
        return Rejected(reason=Reason.TOO_LARGE, note=f"more than {allowed} bytes of data for {width}x{height} pixels")
    if total < rows and not data[28]:  # interlaced rows are counted otherwise
        return Rejected(reason=Reason.CORRUPT, note=f"{total} bytes of data, {rows} needed")
    return None


def _packed(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the picture's data lie."""
    for start, length, kind in _chunks(data):
        if kind == b"IDAT":
            yield start, start + length


def _chunks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Start, length and kind of every chunk of a PNG."""
    place = 8
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        yield place + 8, length, kind
        place += 12 + length


def _jpeg_ends(data: bytes) -> bool:
    """Follow the segments from the front; where damage leads astray, the last end mark behind the last scan counts.

    In compressed data FF D9 and FF DA cannot occur; a thumbnail's end mark comes before the picture's own scan.
    """
    if any(code == _END[1] for code, _ in segments(data)):
        return True
    return data.rfind(_END) > data.rfind(_SCAN)


def _png_ends(data: bytes) -> bool:
    """Follow the chunks to IEND."""
    return any(kind == b"IEND" for _, _, kind in _chunks(data))


def png_exif(data: bytes) -> bytes:
    """The EXIF block of a PNG, wherever it stands; empty for none."""
    return next((data[start : start + length] for start, length, kind in _chunks(data) if kind == b"eXIf"), b"")


def exif_orientation(exif: object) -> int:
    """1..8 as the first directory of EXIF data says; 1 where there is none, or no whole number from 1 to 8.

    Only the EXIF block itself counts, read as OpenCV reads it: boxes refer to what the model was shown. (Pillow also
    believes XMP and old text chunks, which OpenCV does not.)
    """
    data = exif.removeprefix(b"Exif\0\0") if isinstance(exif, bytes) else b""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return 1
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    if place + 2 > len(data):
        return 1
    (count,) = struct.unpack_from(f"{order}H", data, place)
    found = 1
    for entry in range(place + 2, min(place + 2 + 12 * count, len(data) - 11), 12):
        (tag,) = struct.unpack_from(f"{order}H", data, entry)
        if tag == _ORIENTATION:
            (found,) = struct.unpack_from(f"{order}H", data, entry + 8)
            break
    return found if 1 <= found <= 8 else 1
