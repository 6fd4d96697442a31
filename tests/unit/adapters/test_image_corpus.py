"""Good pictures are accepted, bad ones get their reason, and nothing is ever raised."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from tasks.adapters.image_facts import ImageFacts, inspect
from tasks.domain.contract_reasons import Reason, Rejected
from tests.fakes.bad_images import encoded, picture


def rotated(format_: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(format_, exif=exif)


def frames(format_: str) -> bytes:
    return encoded(format_, picture(), save_all=True, append_images=[picture().rotate(90), picture().rotate(180)])


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + b"\0" * 200


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(encoded("JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_claiming(side: int) -> bytes:
    size = (side - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bad_crc() -> bytes:
    data = bytearray(encoded("PNG"))
    data[data.index(b"IDAT") + 20] ^= 0xFF
    return bytes(data)


def sixteen_bits() -> bytes:
    return encoded("PNG", Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20) * 100))


GOOD: dict[str, tuple[Callable[[], bytes], str]] = {
    "JPEG": (lambda: encoded("JPEG"), ""),
    "progressive JPEG": (lambda: encoded("JPEG", progressive=True), ""),
    "grey JPEG": (lambda: encoded("JPEG", picture("L")), ""),
    "CMYK JPEG": (lambda: encoded("JPEG", picture("CMYK")), "cmyk_converted"),
    "PNG": (lambda: encoded("PNG"), ""),
    "palette PNG": (lambda: encoded("PNG", picture("P")), ""),
    "RGBA PNG": (lambda: encoded("PNG", picture("RGBA")), ""),
    "LA PNG": (lambda: encoded("PNG", picture("LA")), ""),
    "1-bit PNG": (lambda: encoded("PNG", picture("1")), ""),
    "16-bit PNG": (sixteen_bits, "16bit_to_8bit"),
    "WebP": (lambda: encoded("WEBP"), ""),
    "lossless WebP": (lambda: encoded("WEBP", lossless=True), ""),
    "RGBA WebP": (lambda: encoded("WEBP", picture("RGBA")), ""),
    "ten pixels": (lambda: encoded("PNG", picture(size=(10, 10))), ""),
    "black frame": (lambda: encoded("JPEG", Image.new("RGB", (64, 48))), "low_information"),
    "JPEG with a tail": (lambda: encoded("JPEG") + b"\0" * 100, ""),
}

BAD: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "no bytes": (lambda: b"", Reason.EMPTY),
    "one byte": (lambda: b"\xff", Reason.UNKNOWN_FORMAT),
    "JPEG half": (lambda: (d := encoded("JPEG"))[: len(d) // 2], Reason.TRUNCATED),
    "JPEG 90 %": (lambda: (d := encoded("JPEG"))[: len(d) * 9 // 10], Reason.TRUNCATED),
    "JPEG cut inside its header": (lambda: encoded("JPEG")[:400], Reason.TRUNCATED),
    "JPEG minus two bytes": (lambda: encoded("JPEG")[:-2], Reason.TRUNCATED),
    "20 bytes of JPEG": (lambda: encoded("JPEG")[:20], Reason.UNKNOWN_FORMAT),
    "noise": (lambda: bytes(np.random.default_rng(1).integers(128, 255, 5000, dtype=np.uint8)), Reason.UNKNOWN_FORMAT),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>', Reason.NOT_AN_IMAGE),
    "HTML": (lambda: b"\n<!doctype html><title>502</title>", Reason.NOT_AN_IMAGE),
    "JSON": (lambda: b'{"error": "no"}', Reason.NOT_AN_IMAGE),
    "a list of paths": (lambda: b"/etc/passwd\n/etc/shadow\n", Reason.NOT_AN_IMAGE),
    "GIF": (lambda: encoded("GIF"), Reason.UNSUPPORTED_FORMAT),
    "BMP": (lambda: encoded("BMP"), Reason.UNSUPPORTED_FORMAT),
    "TIFF": (lambda: encoded("TIFF"), Reason.UNSUPPORTED_FORMAT),
    "PPM": (lambda: encoded("PPM"), Reason.UNSUPPORTED_FORMAT),
    "ICO": (lambda: encoded("ICO"), Reason.UNSUPPORTED_FORMAT),
    "EPS": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n", Reason.UNSUPPORTED_FORMAT),
    "PDF": (lambda: b"%PDF-1.7\n", Reason.UNSUPPORTED_FORMAT),
    "HEIC": (lambda: b"\0\0\0\x18ftypheic" + b"\0" * 40, Reason.UNSUPPORTED_FORMAT),
    "ZIP": (lambda: b"PK\x03\x04" + b"\0" * 40, Reason.UNSUPPORTED_FORMAT),
    "animated PNG": (lambda: frames("PNG"), Reason.ANIMATED),
    "animated WebP": (lambda: frames("WEBP"), Reason.ANIMATED),
    "PNG of 900 megapixels": (lambda: png_header(30_000, 30_000), Reason.TOO_MANY_PIXELS),
    "PNG of 121 megapixels": (lambda: png_header(11_000, 11_000), Reason.TOO_MANY_PIXELS),
    "PNG one pixel high": (lambda: png_header(16_385, 100), Reason.TOO_MANY_PIXELS),
    "PNG of 2^31-1 squared": (lambda: png_header(2**31 - 1, 2**31 - 1), Reason.TOO_MANY_PIXELS),
    "JPEG claiming 65500": (lambda: jpeg_claiming(65_500, 65_500), Reason.TOO_MANY_PIXELS),
    "WebP claiming 16000": (lambda: webp_claiming(16_000), Reason.TOO_MANY_PIXELS),
    "JPEG claiming nothing": (lambda: jpeg_claiming(0, 0), Reason.BAD_HEADER),
    "PNG claiming nothing": (lambda: png_header(0, 0), Reason.BAD_HEADER),
    "PNG with a bad CRC": (bad_crc, Reason.CORRUPT),
    "PNG half": (lambda: (d := encoded("PNG"))[: len(d) // 2], Reason.CORRUPT),
    "WebP half": (lambda: (d := encoded("WEBP"))[: len(d) // 2], Reason.TRUNCATED),
    "one pixel": (lambda: encoded("PNG", picture(size=(1, 1))), Reason.TOO_SMALL),
    "nine pixels": (lambda: encoded("JPEG", picture(size=(9, 9))), Reason.TOO_SMALL),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_picture_is_accepted(name: str) -> None:
    make, note = GOOD[name]
    facts = inspect(make())
    assert isinstance(facts, ImageFacts), facts
    assert facts.note == note


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_refused_with_its_reason(name: str) -> None:
    make, reason = BAD[name]
    answer = inspect(make())
    assert isinstance(answer, Rejected), answer
    assert answer.reason is reason, answer


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_the_size_is_that_of_the_picture_as_it_is_shown(format_: str) -> None:
    facts = inspect(rotated(format_, 6))
    assert facts == ImageFacts(format=format_.lower(), width=48, height=64, note="exif_rotated")
    upright = inspect(rotated(format_, 3))
    assert isinstance(upright, ImageFacts)
    assert (upright.width, upright.height) == (64, 48)


def test_too_many_bytes_are_not_looked_at() -> None:
    answer = inspect(encoded("JPEG"), max_bytes=10)
    assert isinstance(answer, Rejected)
    assert answer.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_another_library_that_tolerates_truncated_files_changes_nothing(
    format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert isinstance(inspect((data := encoded(format_))[: len(data) // 2]), Rejected)
    assert isinstance(inspect(data), ImageFacts)


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STARTS = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBPVP8X", b"RIFF\x40\0\0\0WEBPVP8L", b"GIF89a"]


@FUZZ
@given(st.sampled_from(STARTS), st.binary(max_size=200))
def test_any_bytes_give_an_answer(start: bytes, rest: bytes) -> None:
    assert isinstance(inspect(start + rest), ImageFacts | Rejected)


@FUZZ
@given(
    st.sampled_from(["JPEG", "PNG", "WEBP"]),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=20),
    st.integers(10, 6000),
)
def test_a_damaged_picture_gives_an_answer(format_: str, flips: list[tuple[int, int]], length: int) -> None:
    data = bytearray(encoded(format_)[:length])
    for place, value in flips:
        data[place % len(data)] = value
    assert isinstance(inspect(bytes(data)), ImageFacts | Rejected)
