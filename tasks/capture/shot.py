"""One picture on its way from the camera to the bucket, and the names that it gets there."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from tasks.domain.model import safe_name
from tasks.domain.tables import CONTRACT_VERSION

_IMAGE_ID = re.compile(r"[^\x00-\x1f\x7f/]{1,256}")
_MAGIC = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG", "png"), (b"RIFF", "webp"))
CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


class ShotFields(TypedDict, total=False):
    """What is known about a picture beside the answer; all of it optional."""

    captured_at: datetime  # when the shutter opened, with UTC offset; now when absent
    camera: str
    site: str
    session: str
    image_id: str  # unique per model; made when absent
    encoded: bytes  # the picture as the camera sent it: kept byte by byte
    suffix: str  # of `encoded`: jpg, png, webp; told by the bytes when absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture with its names; `pixels` `(h, w[, c])` blue-green-red, or `encoded`, or neither when it is not kept."""

    model: str
    camera: str
    site: str
    session: str
    captured_at: datetime
    image_id: str
    suffix: str
    encoded: bytes | None = None
    pixels: NDArray[np.uint8] | None = None

    @property
    def key(self) -> str:
        """Object key of the picture, by camera and hour."""
        return f"{self.model}/images/{self.camera}/{self.captured_at:%Y/%m/%d/%H}/{self.image_id}.{self.suffix}"

    @property
    def weight(self) -> int:
        """Bytes that it holds in memory."""
        return len(self.encoded or b"") + (self.pixels.nbytes if self.pixels is not None else 0)

    def fields(self) -> dict[str, Any]:
        """The record's fields that tell which picture this is."""
        values = {
            "schema": CONTRACT_VERSION,
            "image_id": self.image_id,
            "captured_at": self.captured_at.isoformat(),
            "camera": self.camera,
            "site": self.site or None,
            "session": self.session or None,
        }
        return {name: value for name, value in values.items() if value is not None}


def named(model: str, defaults: ShotFields, given: ShotFields, image_format: str) -> Shot:
    """The shot that is told by what the caller gave, filled up from what the capture was made with.

    Raises:
        ConfigError: the camera has no name, or one that is not safe.
        ValueError: the time has no UTC offset, or the image id cannot be part of a key.
    """
    both: ShotFields = {**defaults, **given}
    moment = both.get("captured_at") or datetime.now(UTC)
    if moment.tzinfo is None:
        raise ValueError("captured_at needs a UTC offset")
    moment = moment.astimezone(UTC)
    image_id = both.get("image_id") or f"{moment:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:12]}"
    if not _IMAGE_ID.fullmatch(image_id):
        raise ValueError("image_id must be 1-256 printable characters without a slash")
    encoded = both.get("encoded")
    suffix = both.get("suffix") or (suffix_of(encoded, image_format) if encoded else image_format)
    return Shot(
        model=model,
        camera=safe_name(both.get("camera", ""), "camera name"),
        site=both.get("site", ""),
        session=both.get("session", ""),
        captured_at=moment,
        image_id=image_id,
        suffix=safe_name(suffix, "suffix"),
        encoded=encoded,
    )


def suffix_of(encoded: bytes, otherwise: str) -> str:
    """The usual extension of the format that the bytes begin with."""
    return next((suffix for magic, suffix in _MAGIC if encoded.startswith(magic)), otherwise)
