"""The first bytes of a file: which format it is, whatever its name says, and the size that its header claims."""

from __future__ import annotations

import struct
from enum import StrEnum

from tasks.domain.contract_reasons import Reason, Rejected


class Format(StrEnum):
    """The formats that are read."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0", "CUR"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"8BPS", "PSD"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"%PDF", "PDF"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "HDR"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "ZIP"),
    (b"RIFF", "RIFF, but not WebP"),
)
_PORTABLE = tuple(
    b"P" + digit + space for digit in (b"1", b"2", b"3", b"4", b"5", b"6", b"7") for space in (b"\n", b" ")
)


def recognise(data: bytes) -> Format | Rejected:
    """The format, told by the first bytes alone."""
    if data.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    return Rejected(reason=_refusal(data), note=_name(data))


def _name(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return f"an ISO media file ({data[8:12]!r}), such as HEIC or AVIF"
    names = (name for magic, name in _FOREIGN if data.startswith(magic))
    return next(names, "PNM" if data.startswith(_PORTABLE) else f"begins with {data[:12].hex(' ')}")


def _refusal(data: bytes) -> Reason:
    known = any(data.startswith(magic) for magic, _ in _FOREIGN)
    if known or data.startswith(_PORTABLE) or data[4:8] == b"ftyp":
        return Reason.UNSUPPORTED_FORMAT
    head = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip()
    markup = head.startswith((b"<", b"{", b"["))
    text = len(head) >= 16 and all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head)
    return Reason.NOT_AN_IMAGE if markup or text else Reason.UNKNOWN_FORMAT


def claimed_size(data: bytes, found: Format) -> tuple[int, int] | None:
    """Width and height that the header claims, where reading them takes no decoder; None when it takes one.

    WebP's decoder reserves its canvas while it opens the file, so its claim has to be read before that.
    """
    if found is Format.PNG and len(data) >= 24 and data[12:16] == b"IHDR":
        width, height = struct.unpack(">II", data[16:24])
        return int(width), int(height)
    if found is Format.WEBP and len(data) >= 30:
        return _webp_size(data)
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return int(width) & 0x3FFF, int(height) & 0x3FFF
    return None


def is_complete(data: bytes, found: Format) -> bool:
    """Whether the format's end mark is there: decoders forgive a missing one, a cut-off upload is still cut off.

    In JPEG the bytes FF D9 and FF DA cannot occur inside compressed data; a thumbnail's end mark comes before the
    picture's own start of scan.
    """
    if found is Format.JPEG:
        return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    if found is Format.PNG:
        return b"IEND" in data[-4096:]
    return len(data) >= int.from_bytes(data[4:8], "little")
