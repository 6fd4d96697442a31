"""Files of records: the lines of a JSON Lines part, unpacked only when its name says so, and only up to a limit."""

from __future__ import annotations

import zlib

from tasks.domain.contract_reasons import Reason, Rejected

_GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
NEWLINE = b"\n"

MAX_LINES = 1_000_000
"""Lines of one part: a part of an hour has an image a line, and every refused line is a row of the catalog."""
MAX_MEMBERS = 100_000
"""Packed parts in one file; `cat *.gz` makes some, a bomb of empty ones makes millions."""

_PIECE = 1 << 16
_GZIP_WINDOW = 31  # zlib's number for "a gzip header, 32 KB window"


def lines_of(key: str, data: bytes, max_bytes: int) -> list[bytes] | Rejected:
    """The lines that are not blank, in order; or why the whole file is refused.

    Args:
        key: Its ending decides: `.jsonl` and `.json` are plain, with a further `.gz` packed.
        data: The object's bytes.
        max_bytes: Limit after unpacking.
    """
    if key.endswith(".gz"):
        unpacked = _unpacked(data, max_bytes)
        if isinstance(unpacked, Rejected):
            return unpacked
        data = unpacked
    if data.startswith((_GZIP, b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"\xff\xfe", b"\xfe\xff")):
        return Rejected(reason=Reason.UNSUPPORTED_ENCODING, note=f"begins with {data[:4].hex(' ')}")
    if data.count(NEWLINE) > MAX_LINES:
        return Rejected(reason=Reason.TOO_LARGE, note=f"{data.count(NEWLINE)} lines, at most {MAX_LINES}")
    lines = [line for line in data.removeprefix(BOM).split(NEWLINE) if line.strip()]
    return _printed(lines) or lines


def _printed(lines: list[bytes]) -> Rejected | None:
    """Why lines that are pieces of one document (printed for people, or one long list) are no records, each of them."""
    if len(lines) < 2:
        return None
    first, last = lines[0].strip(), lines[-1].strip()
    if first in (b"{", b"[") and last in (b"}", b"]", b"},"):
        return Rejected(reason=Reason.NOT_LINES, note=f"{len(lines)} lines that begin with {first.decode()!r} alone")
    if first.startswith(b"[") and last.endswith(b"]"):
        return Rejected(reason=Reason.NOT_LINES, note=f"a list over {len(lines)} lines")
    return None


def _unpacked(data: bytes, max_bytes: int) -> bytes | Rejected:
    """The first gzip member and those that follow it, as `gzip -d` would write them."""
    out, members = bytearray(), 1
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    for start in range(0, len(data), _PIECE):  # in pieces: what follows a member is copied, again for every member
        piece = data[start : start + _PIECE]
        while piece:
            if unpacker.eof:
                unpacker, members = zlib.decompressobj(_GZIP_WINDOW), members + 1
            try:
                out += unpacker.decompress(piece, max_bytes + 1 - len(out))
            except zlib.error as error:
                return Rejected(reason=Reason.CORRUPT_FILE, note=str(error))
            if len(out) > max_bytes or members > MAX_MEMBERS:
                return Rejected(
                    reason=Reason.TOO_LARGE, note=f"more than {max_bytes} bytes or {MAX_MEMBERS} packed parts"
                )
            piece = unpacker.unused_data
    if data and not unpacker.eof:
        return Rejected(reason=Reason.CORRUPT_FILE, note="the packed file ends too early")
    return bytes(out)
