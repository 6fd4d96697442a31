"""Files of records: the lines of a JSON Lines part, unpacked only when its name says so, and only up to a limit."""

from __future__ import annotations

import zlib

from tasks.domain.contract_reasons import Reason, Rejected

_GZIP = b"\x1f\x8b"
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
    if data.startswith((_GZIP, b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xff\xfe", b"\xfe\xff")):
        return Rejected(reason=Reason.UNSUPPORTED_ENCODING, note=f"begins with {data[:4].hex(' ')}")
    return [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]


def _unpacked(data: bytes, max_bytes: int) -> bytes | Rejected:
    """The first gzip member and those that follow it, as `gzip -d` would write them."""
    out = bytearray()
    while data:
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            out += unpacker.decompress(data, max_bytes + 1 - len(out))
        except zlib.error as error:
            return Rejected(reason=Reason.CORRUPT_FILE, note=str(error))
        if len(out) > max_bytes:
            return Rejected(reason=Reason.TOO_LARGE, note=f"more than {max_bytes} bytes unpacked")
        if not unpacker.eof:
            return Rejected(reason=Reason.CORRUPT_FILE, note="the packed file ends too early")
        data = unpacker.unused_data
    return bytes(out)
