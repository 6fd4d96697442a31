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
    (b"II\xbc", "JPEG XR"),
    (b"IIRO", "ORF"),
    (b"IIU\0", "RW2"),
    (b"FUJIFILMCCD-RAW", "RAF"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0", "CUR or TGA"),
    (b"\0\0\3\0", "TGA"),
    (b"\0\0\x0a\0", "TGA"),
    (b"\0\0\x0b\0", "TGA"),
    (b"\0\1\1\0", "TGA"),
    (b"\0\1\x09\0", "TGA"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x8aMNG", "MNG"),
    (b"\x8bJNG", "JNG"),
    (b"8BPS", "PSD"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"%PDF", "PDF"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?R", "HDR"),
    (b"\x0a\5\1", "PCX"),
    (b"\1\xda", "SGI"),
    (b"icns", "ICNS"),
    (b"BLP", "BLP"),
    (b"DanM", "MSP"),
    (b"LinS", "MSP"),
    (b"SIMPLE  =", "FITS"),
    (b"gimp xcf", "XCF"),
    (b"FLIF", "FLIF"),
    (b"farbfeld", "farbfeld"),
    (b"\x59\xa6\x6a\x95", "Sun raster"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"BPG\xfb", "BPG"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "ZIP"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!", "RAR"),
    (b"\x1aE\xdf\xa3", "Matroska"),
    (b"\0\0\1\xba", "MPEG"),
    (b"\0\0\1\xb3", "MPEG"),
    (b"FLV\1", "FLV"),
    (b"PAR1", "Parquet"),
    (b"\x93NUMPY", "NumPy"),
    (b"RIFF", "RIFF, but not WebP"),
)
_PORTABLE = tuple(
    b"P" + digit + space for digit in (b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"F", b"f") for space in (b"\n", b" ")
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
    return _foreign(data) or f"begins with {data[:12].hex(' ')}"


def _foreign(data: bytes) -> str:
    """The format that is known and not read; empty for none."""
    if data[4:8] == b"ftyp":
        return f"an ISO media file ({data[8:12]!r}), such as HEIC or AVIF"
    if data[-18:-2] == b"TRUEVISION-XFILE":
        return "TGA"
    if data[128:132] == b"DICM":
        return "DICOM"
    names = (name for magic, name in _FOREIGN if data.startswith(magic))
    return next(names, "PNM" if data.startswith(_PORTABLE) else "")


def _refusal(data: bytes) -> Reason:
    if _foreign(data):
        return Reason.UNSUPPORTED_FORMAT
    return Reason.NOT_AN_IMAGE if _is_text(data[:512]) else Reason.UNKNOWN_FORMAT


def _is_text(head: bytes) -> bool:
    """Markup, or at least 16 characters of text in UTF-8 or with a mark of UTF-16."""
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff")) and len(head) >= 32
    stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if wide or stripped.startswith((b"<", b"{", b"[")):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace") if wide else "<"
        return "\ufffd" not in text and "\0" not in text
    text = stripped.decode("utf-8", "ignore")  # a character may be cut at the end
    whole = len(text.encode()) >= len(stripped) - 3
    return whole and len(text) >= 16 and all(each in "\t\r\n" or each.isprintable() for each in text)


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
