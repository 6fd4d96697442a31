"""Families of image bytes, generated: what a camera, a careless program or an enemy may put under a key."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, PngImagePlugin

from tasks.domain.contract_reasons import Reason

Make = Callable[[], bytes]


def picture(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    noise = np.random.default_rng(3).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def encoded(format_: str, image: Image.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, format_, **options)
    return buffer.getvalue()


def jpeg(**options: object) -> bytes:
    return encoded("JPEG", picture(size=(256, 200)), quality=90, **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, bits: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace))


def png(raw: bytes, *before: bytes, bits: int = 8, colour: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
    """A PNG of our own making: `raw` are filtered rows, `before` chunks that stand before the data."""
    body = [header(*size, bits, colour), *before, chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def grey_rows(bits: int = 8) -> bytes:
    return b"".join(b"\0" + bytes((row * 7 + x * 3) % 251 for x in range(64 * bits // 8)) for row in range(48))


def exif(order: str, kind: int, value: bytes) -> bytes:
    magic = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return (
        b"Exif\0\0" + magic + struct.pack(f"{order}IHHHI", 8, 1, 0x0112, kind, 1) + value.ljust(4, b"\0") + b"\0\0\0\0"
    )


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def png_with(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_itxt(name.replace("__", " "), text)
    return encoded("PNG", pnginfo=info)


def patched(place: int, value: bytes) -> bytes:
    """A JPEG with other bytes behind the start of its frame header."""
    data = bytearray(jpeg())
    start = data.index(b"\xff\xc0")
    data[start + place : start + place + len(value)] = value
    return bytes(data)


def scans(count: int) -> bytes:
    """A progressive JPEG whose scans are repeated."""
    data = jpeg(progressive=True)
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xda", first + 2)
    return data[:second] + data[first:second] * count + data[second:]


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def stereo() -> bytes:
    """A multi-picture file: two whole JPEGs, as stereo cameras write them."""
    return encoded("MPO", picture(size=(64, 64)), save_all=True, append_images=[picture("L", (64, 64))])


def two(format_: str) -> bytes:
    return encoded(format_, picture(), save_all=True, append_images=[picture().rotate(180)])


GOOD: dict[str, tuple[Make, str]] = {
    "JPEG followed by a ZIP": (lambda: jpeg() + b"PK\x03\x04" + b"x" * 9_000, ""),
    "JPEG followed by a cut preview": (lambda: jpeg() + cut(encoded("JPEG"), 0.6), ""),
    "JPEG followed by noise with marks of scans": (lambda: jpeg() + b"\xff\xda\xff\xda" + bytes(range(256)), ""),
    "JPEG with a whole picture inside its EXIF": (lambda: encoded("JPEG", exif=b"Exif\0\0" + encoded("JPEG")), ""),
    "two pictures of a stereo camera": (lambda: stereo(), ""),
    "progressive JPEG": (lambda: jpeg(progressive=True), ""),
    "JPEG with restart marks": (lambda: jpeg(restart_marker_blocks=1), ""),
    "JPEG with fill bytes before its end": (lambda: jpeg()[:-2] + b"\xff\xff\xff\xd9", ""),
    "JPEG with a colour profile that is garbage": (lambda: jpeg(icc_profile=b"garbage" * 1_000), ""),
    "JPEG with EXIF that ends at once": (lambda: jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff"), ""),
    "JPEG with EXIF that is garbage": (lambda: jpeg(exif=b"Exif\0\0garbage garbage"), ""),
    "JPEG that only XMP calls rotated": (lambda: encoded("JPEG", xmp=XMP), ""),
    "WebP that only XMP calls rotated": (lambda: encoded("WEBP", xmp=XMP), ""),
    "PNG that only XMP calls rotated": (lambda: png_with(**{"XML:com.adobe.xmp": XMP.decode()}), ""),
    "orientation 9": (lambda: jpeg(exif=exif("<", 3, b"\x09")), ""),
    "orientation as a long number": (lambda: encoded("JPEG", exif=exif("<", 4, b"\x06")), "exif_rotated"),
    "orientation of a big-endian camera": (lambda: encoded("JPEG", exif=exif(">", 3, b"\0\x06")), "exif_rotated"),
    "orientation in a PNG": (lambda: encoded("PNG", exif=exif(">", 3, b"\0\x08")), "exif_rotated"),
    "orientation in a WebP": (lambda: encoded("WEBP", exif=exif("<", 3, b"\x08")), "exif_rotated"),
    "CMYK JPEG": (lambda: encoded("JPEG", picture("CMYK")), "cmyk_converted"),
    "arithmetic JPEG by its mark": (lambda: patched(1, b"\xc9"), ""),
    "PNG followed by a ZIP": (lambda: encoded("PNG") + b"PK\x03\x04" + b"z" * 10_000, ""),
    "PNG of one bit": (lambda: png(grey_rows(1), bits=1), ""),
    "PNG of two bits": (lambda: png(grey_rows(2), bits=2), ""),
    "PNG of four bits": (lambda: png(grey_rows(4), bits=4), ""),
    "PNG of 16 bits": (lambda: png(grey_rows(16), bits=16), "16bit_to_8bit"),
    "PNG of 16 bits with colour and alpha": (lambda: png(grey_rows(64), bits=16, colour=6), "16bit_to_8bit"),
    "PNG with a palette that is partly transparent": (
        lambda: encoded("PNG", picture("P"), transparency=bytes(range(256))),
        "",
    ),
    "PNG with one transparent grey": (lambda: encoded("PNG", picture("L"), transparency=3), ""),
    "PNG with unknown chunks": (lambda: png(grey_rows(), chunk(b"xyZw", b"?" * 999)), ""),
    "animated PNG of one frame": (lambda: encoded("PNG", save_all=True, append_images=[]), ""),
    "WebP with bytes behind it": (lambda: encoded("WEBP") + b"zzz", ""),
    "narrow and long": (lambda: encoded("PNG", picture("L", (16_384, 10))), ""),
    "grey card": (lambda: encoded("JPEG", Image.new("RGB", (64, 48), (128, 128, 128))), "low_information"),
    "picture with a black bar below": (lambda: encoded("JPEG", barred((0, 0, 0))), ""),
    "picture with a grey bar below": (lambda: encoded("JPEG", barred((128, 128, 128))), ""),
}


def barred(colour: tuple[int, int, int]) -> Image.Image:
    """As a letterbox leaves it."""
    image = Image.new("RGB", (64, 96), colour)
    image.paste(picture(), (0, 0))
    return image


FOREIGN = ("GIF", "BMP", "PPM", "TGA", "ICO", "JPEG2000", "PCX", "SGI", "DDS", "ICNS", "QOI", "PDF", "EPS", "MSP")

BAD: dict[str, tuple[Make, Reason]] = {
    **{
        f"progressive JPEG cut at {share:.0%}": (
            lambda share=share: cut(jpeg(progressive=True), share),
            Reason.TRUNCATED,
        )
        for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
    },
    "JPEG cut and filled up with zeros": (lambda: cut(jpeg(), 0.5).ljust(40_000, b"\0"), Reason.TRUNCATED),
    "JPEG cut and closed by a proxy": (lambda: cut(jpeg(), 0.5) + b"\xff\xd9", Reason.TRUNCATED),
    "JPEG that claims twice its height": (lambda: patched(5, struct.pack(">H", 400)), Reason.TRUNCATED),
    "JPEG whose thumbnail is whole and whose picture is not": (
        lambda: cut(jpeg(exif=b"Exif\0\0" + encoded("JPEG")), 0.7),
        Reason.TRUNCATED,
    ),
    "JPEG of 12 bits": (lambda: patched(4, b"\x0c"), Reason.BAD_HEADER),
    "JPEG of two components": (lambda: patched(9, b"\x02"), Reason.BAD_HEADER),
    "JPEG of no height": (lambda: patched(5, b"\0\0"), Reason.BAD_HEADER),
    "JPEG that is lossless by its mark": (lambda: patched(1, b"\xc3"), Reason.CORRUPT),
    "JPEG without anything": (lambda: b"\xff\xd8\xff\xd9".ljust(300, b"\0"), Reason.BAD_HEADER),
    "JPEG of ten thousand scans": (lambda: scans(10_000), Reason.TOO_LARGE),
    "JPEG of one pixel by 65,000": (lambda: encoded("JPEG", picture("L", (1, 65_000))), Reason.TOO_MANY_PIXELS),
    "PNG of 65,000 by one pixel": (lambda: encoded("PNG", picture("L", (65_000, 1))), Reason.TOO_MANY_PIXELS),
    "PNG of nine rows": (lambda: encoded("PNG", picture("L", (16_384, 9))), Reason.TOO_SMALL),
    "PNG with a bomb for data": (lambda: png(b"\0" * 40_000_000), Reason.TOO_LARGE),
    "PNG with a bomb for text": (
        lambda: png(grey_rows(), chunk(b"zTXt", b"k\0\0" + zlib.compress(b"\0" * 40_000_000))),
        Reason.BAD_HEADER,
    ),
    "PNG with a bomb for a profile": (
        lambda: png(grey_rows(), chunk(b"iCCP", b"k\0\0" + zlib.compress(b"\0" * 40_000_000))),
        Reason.BAD_HEADER,
    ),
    "PNG with a bomb for international text": (
        lambda: png(grey_rows(), chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(b"\0" * 40_000_000))),
        Reason.BAD_HEADER,
    ),
    "PNG with too little data": (lambda: png(b"\0" * 100).ljust(200, b"\0"), Reason.CORRUPT),
    "PNG with a filter that does not exist": (
        lambda: png(b"\x09" + grey_rows()[1:]).ljust(200, b"\0"),
        Reason.CORRUPT,
    ),
    "PNG with a palette that is missing": (lambda: png(grey_rows(), colour=3), Reason.CORRUPT),
    "PNG with two headers": (lambda: png(grey_rows(), header(64, 48, colour=0)), Reason.CORRUPT),
    "PNG with a second header that is huge": (lambda: png(grey_rows(), header(30_000, 30_000)), Reason.TOO_MANY_PIXELS),
    "PNG whose header does not come first": (
        lambda: b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt", b"a\0b") + encoded("PNG")[8:],
        Reason.CORRUPT,
    ),
    "PNG of no colour type": (lambda: png(grey_rows(), colour=5).ljust(300, b"\0"), Reason.BAD_HEADER),
    "PNG without its end": (lambda: encoded("PNG")[:-12] + b"junk" * 10, Reason.CORRUPT),
    "PNG that went through a text conversion": (
        lambda: encoded("PNG").replace(b"\r\n", b"\n"),
        Reason.UNKNOWN_FORMAT,
    ),
    "animated PNG": (lambda: two("PNG"), Reason.ANIMATED),
    "animated WebP": (lambda: two("WEBP"), Reason.ANIMATED),
    "WebP cut": (lambda: cut(encoded("WEBP"), 0.4), Reason.TRUNCATED),
    "page of an error before the picture": (lambda: b"<html>" + jpeg(), Reason.NOT_AN_IMAGE),
    "a line break before the picture": (lambda: b"\n" + jpeg(), Reason.UNKNOWN_FORMAT),
    "SVG with a byte-order mark": (lambda: b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", Reason.NOT_AN_IMAGE),
    "text in UTF-8": (lambda: "ein Fehler: Überlauf im Speicher".encode(), Reason.NOT_AN_IMAGE),
    "text in UTF-16": (lambda: "access was denied to this file".encode("utf-16"), Reason.NOT_AN_IMAGE),
    "zeros, as a sparse file has them": (lambda: b"\0" * 5_000, Reason.UNKNOWN_FORMAT),
    "ones, as an erased flash memory has them": (lambda: b"\xff" * 5_000, Reason.UNKNOWN_FORMAT),
    "a program": (lambda: b"\x7fELF" + b"\0" * 500, Reason.UNKNOWN_FORMAT),
    "a pickle": (lambda: b"\x80\x04\x95" + b"\0" * 100, Reason.UNKNOWN_FORMAT),
    "film": (lambda: b"\0\0\0\x20ftypisom" + b"\0" * 100, Reason.UNSUPPORTED_FORMAT),
    "film in RIFF": (lambda: b"RIFF\x99\0\0\0AVI LIST" + b"\0" * 100, Reason.UNSUPPORTED_FORMAT),
    "raw of a camera": (lambda: b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 100, Reason.UNSUPPORTED_FORMAT),
    "HEIC": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40, Reason.UNSUPPORTED_FORMAT),
    "DICOM": (lambda: b"\0" * 128 + b"DICM" + b"\0" * 100, Reason.UNSUPPORTED_FORMAT),
    "packed SVG": (lambda: gzip.compress(b"<svg/>"), Reason.UNSUPPORTED_FORMAT),
    **{
        f"{name} under a JPEG's name": (
            lambda name=name: encoded(name, picture("1" if name == "MSP" else "RGB", (64, 64))),
            Reason.UNSUPPORTED_FORMAT,
        )
        for name in FOREIGN
    },
    "TIFF of several pages": (lambda: two("TIFF"), Reason.UNSUPPORTED_FORMAT),
    "AVIF": (lambda: encoded("AVIF"), Reason.UNSUPPORTED_FORMAT),
    "packed TGA": (lambda: encoded("TGA", compression="tga_rle"), Reason.UNSUPPORTED_FORMAT),
}


def everything() -> Iterator[tuple[str, bytes, str]]:
    """Name, bytes, and `accepted` or the reason."""
    for name, (make, _) in GOOD.items():
        yield name, make(), "accepted"
    for name, (make, reason) in BAD.items():
        yield name, make(), reason.value
