"""Why something was quarantined: a closed list, each with a sentence that a person understands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tasks.domain.plain_text import visible

NOTE_LIMIT = 300
"""Characters kept of a note: it may quote what a stranger wrote."""


class Reason(StrEnum):
    """One state per thing that was refused; the words in the catalog."""

    # bytes of an image
    EMPTY = "empty"
    UNKNOWN_FORMAT = "unknown_format"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    ANIMATED = "animated"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    BAD_HEADER = "bad_header"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    CHECKSUM = "checksum"
    # objects in the bucket
    DIRECTORY_MARKER = "directory_marker"
    MARKER_FILE = "marker_file"
    VANISHED = "vanished"
    CHANGED_DURING_READ = "changed_during_read"
    FETCH_TIMEOUT = "fetch_timeout"
    CORRUPT_FILE = "corrupt_file"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    UNKNOWN_FILE = "unknown_file"
    NOT_LINES = "not_lines"
    # prediction records
    BAD_JSON = "bad_json"
    SCHEMA_NEWER = "schema_newer"
    BAD_RECORD = "bad_record"
    BAD_NAME = "bad_name"
    NON_FINITE = "non_finite"
    CONFIDENCE_RANGE = "confidence_range"
    BAD_BOX = "bad_box"
    NORMALISED_BOX = "normalised_box"
    BAD_CLASS = "bad_class"
    BAD_TIME = "bad_time"
    CONFLICTING_RECORDS = "conflicting_records"
    URI_NOT_ALLOWED = "uri_not_allowed"
    IMAGE_MISSING = "image_missing"
    DUPLICATE_ID = "duplicate_id"
    # labels
    BAD_LABEL = "bad_label"
    DEGENERATE_BOX = "degenerate_box"
    LABEL_MISSING = "label_missing"

    @property
    def sentence(self) -> str:
        """What happened, for a person who has never seen this program."""
        return _SENTENCES[self]


_SENTENCES: dict[Reason, str] = {
    Reason.EMPTY: "The object has no bytes: the upload was probably interrupted.",
    Reason.UNKNOWN_FORMAT: "The bytes start like no image format that is known here.",
    Reason.NOT_AN_IMAGE: "The bytes are text or markup (SVG, HTML), not a photograph.",
    Reason.UNSUPPORTED_FORMAT: "The format is recognised, but only JPEG, PNG and WebP are read.",
    Reason.ANIMATED: "The file holds several frames; one image per file is expected.",
    Reason.TRUNCATED: "The image ends before it is complete: the upload or the copy was cut off.",
    Reason.CORRUPT: "The image's data contradict themselves and cannot be decoded.",
    Reason.BAD_HEADER: "The image's header is damaged or claims an impossible size.",
    Reason.TOO_MANY_PIXELS: "The header claims more pixels than are decoded here (64 million, 16384 a side).",
    Reason.TOO_SMALL: "A side is shorter than 10 pixels: nothing can be learnt from it.",
    Reason.TOO_LARGE: "There are more bytes, rows or fields than the limit allows; it was not read.",
    Reason.CHECKSUM: "The bytes are not those that were sent: the recorded checksum differs.",
    Reason.DIRECTORY_MARKER: "The key ends in a slash: a folder marker made by a tool, not an image.",
    Reason.MARKER_FILE: "A tool's own file beside the data (_SUCCESS, .crc, .DS_Store …): no bad data.",
    Reason.VANISHED: "The object was listed, but deleted before it could be read.",
    Reason.CHANGED_DURING_READ: "The object was overwritten again and again while it was being read.",
    Reason.FETCH_TIMEOUT: "The store sent the object too slowly, several times over.",
    Reason.CORRUPT_FILE: "The file of records is damaged as a whole; none of its rows could be read.",
    Reason.UNSUPPORTED_ENCODING: "The file is packed in a way that its name does not say; only .gz is unpacked.",
    Reason.UNKNOWN_FILE: "No file whose name ends like this is read here; the note says which are.",
    Reason.NOT_LINES: "The file is one JSON document over many lines; in a part every record is one line.",
    Reason.BAD_JSON: "The line is not one JSON object in UTF-8.",
    Reason.SCHEMA_NEWER: "The record follows a newer version of the data contract: upgrade Evergreen.",
    Reason.BAD_RECORD: "A field is missing or has the wrong type.",
    Reason.BAD_NAME: "A name or an id is too long or has characters that are not allowed.",
    Reason.NON_FINITE: "A number is NaN or infinite: the model or the writer is broken.",
    Reason.CONFIDENCE_RANGE: "A confidence is not between 0 and 1, or the probabilities do not add up to 1.",
    Reason.BAD_BOX: "A box or shape has no area, is inside out or lies outside the image.",
    Reason.NORMALISED_BOX: "All boxes lie within 0..1: multiply x by the width and y by the height, boxes are pixels.",
    Reason.BAD_CLASS: "A class id is not a whole number that the model knows.",
    Reason.BAD_TIME: "The time is missing, lacks its UTC offset, or cannot be true.",
    Reason.CONFLICTING_RECORDS: "The same image has several records that contradict each other.",
    Reason.URI_NOT_ALLOWED: "The record points somewhere else than into this bucket; only keys are followed.",
    Reason.IMAGE_MISSING: "The image that is named does not exist among the window's objects.",
    Reason.DUPLICATE_ID: "No record names the image, and its own name is another's too: nobody can tell them apart.",
    Reason.BAD_LABEL: "A label is malformed; the whole image is left out, because part of a label is a wrong one.",
    Reason.DEGENERATE_BOX: "A labelled box is thinner than one pixel.",
    Reason.LABEL_MISSING: "No label exists; a missing label never means that there is nothing to see.",
}


BESIDE = frozenset({Reason.DIRECTORY_MARKER, Reason.MARKER_FILE})
"""What tools leave beside data: it is accounted for, and is no sign of bad data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Who a record was about that can be read but is refused for its time; `key` is empty where no image was kept."""

    image_id: str
    key: str
    camera: str
    captured_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A refusal: why, and where exactly (bounded in length); of a time that cannot be true also who claims it."""

    reason: Reason
    note: str = ""
    about: About | None = None

    def __post_init__(self) -> None:
        clean = visible(self.note.encode("utf-8", "replace").decode())
        object.__setattr__(self, "note", clean if len(clean) <= NOTE_LIMIT else clean[: NOTE_LIMIT - 1] + "…")
