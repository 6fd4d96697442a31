"""What the scans of a JPEG hold, read from its segments without a decoder: whether all are there, and zeros in them.

Source: ITU-T T.81, annexes B (segments), F and G (the codes of sequential and progressive scans).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ZEROS = 512
"""Bytes of zero in a row that no scan holds unless zeros are its code for "nothing more": a sector of a disk."""

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # not stuffing, not fill, not a restart
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # Huffman codes; arithmetic and lossless ones are not followed
_TABLES, _END, _SCAN = 0xC4, 0xD9, 0xDA
_ALONE = frozenset({0x01, 0xD8})
_COEFFICIENTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Where a scan's data lie, and what they are about.

    `parts` are pairs of a component and the symbol of its shortest code, None where that table is not known: what a
    run of zeros stands for. `first`, `last` bound its coefficients; `high`, `low` are the bits that it refines.
    """

    start: int
    end: int
    parts: tuple[tuple[int, int | None], ...]
    first: int
    last: int
    high: int
    low: int


def segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Code of every marker and where its body begins, up to the end mark that follows a scan, that one included.

    A thumbnail lies inside a segment and is stepped over; an end mark before the first scan is none.
    """
    place, scanned = 2, False
    while (marker := _MARKER.search(data, place)) is not None:
        code, place = data[marker.start() + 1], marker.end()
        if code == _END and not scanned:
            continue
        yield code, place
        if code == _END:
            return
        scanned = scanned or code == _SCAN
        place += 0 if code in _ALONE else int.from_bytes(data[place : place + 2], "big")


def zero_hole(data: bytes) -> int:
    """Where a run of zeros begins that these scans cannot hold; -1 for none.

    Zeros are the shortest code. Where that says "nothing more in this block" a flat picture is full of them; where it
    says "one more coefficient", a block of nothing else is one that no encoder ever wrote.
    """
    for scan in _scans(data):
        if scan.high == 0 and any(_busy(symbol, scan) for _, symbol in scan.parts):
            place = data.find(b"\0" * ZEROS, scan.start, scan.end)
            if place >= 0:
                return place
    return -1


def lacks_scans(data: bytes) -> bool:
    """Whether coefficients of some component were announced, but never sent to their last bit (progressive)."""
    told: dict[int, dict[int, int]] = {}
    for scan in _scans(data):
        for component, _ in scan.parts:
            told.setdefault(component, {}).update(dict.fromkeys(range(scan.first, scan.last + 1), scan.low))
    wanted = _components(data)
    return any(told.get(each, {}).get(k, 1) for each in wanted for k in range(_COEFFICIENTS))


def _busy(symbol: int | None, scan: Scan) -> bool:
    """Whether a run of the shortest code is a picture that changes all the time."""
    if symbol is None:
        return False
    return symbol > 1 if scan.last == 0 else symbol & 0x0F != 0


def _components(data: bytes) -> list[int]:
    """The components of the picture; none where its codes are not followed here."""
    for code, place in segments(data):
        if code in _FRAMES:
            return list(data[place + 8 : place + 8 + 3 * data[place + 7] : 3])
    return []


def _scans(data: bytes) -> Iterator[Scan]:
    """Every scan of Huffman codes, in order; damage ends it."""
    shortest: dict[int, int] = {}
    known = False
    try:
        for code, place in segments(data):
            known = known or code in _FRAMES
            if code == _TABLES:
                shortest.update(_shortest(data, place))
            elif code == _SCAN and known:
                yield _scan(data, place, shortest)
    except (IndexError, ValueError):  # cut inside a header
        return


def _shortest(data: bytes, place: int) -> Iterator[tuple[int, int]]:
    """Class and number of every table in a segment, with the symbol of its shortest code, which is all zeros."""
    end = place + int.from_bytes(data[place : place + 2], "big")
    place += 2
    while place < end:
        count = sum(data[place + 1 : place + 17])
        if count:
            yield data[place], data[place + 17]
        place += 17 + count


def _scan(data: bytes, place: int, shortest: dict[int, int]) -> Scan:
    start = place + int.from_bytes(data[place : place + 2], "big")
    after = _MARKER.search(data, start)
    count = data[place + 2]
    first, last, bits = data[place + 3 + 2 * count : place + 6 + 2 * count]
    parts = []
    for at in range(place + 3, place + 3 + 2 * count, 2):
        table = data[at + 1] >> 4 if last == 0 else 0x10 | data[at + 1] & 0x0F
        parts.append((data[at], shortest.get(table)))
    end = after.start() if after else len(data)
    return Scan(start=start, end=end, parts=tuple(parts), first=first, last=last, high=bits >> 4, low=bits & 0x0F)
