"""Families of files of records, generated: JSON Lines, gzip, Parquet and labels as strangers write them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

IMAGES = "parts/images/cam-1/2026/11/20/06/"
MOMENT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def row(image_id: str = "i0", **changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "image_id": image_id,
        "key": f"{IMAGES}{image_id}.jpg",
        "captured_at": MOMENT.isoformat(),
        "camera": "cam-1",
        "model_version": "3",
        "kind": "detect",
        "width": 64,
        "height": 48,
        "detections": [{"class_id": 0, "confidence": 0.9, "box": [1, 2, 30, 40]}],
        **changes,
    }


def line(image_id: str = "i0", **changes: Any) -> bytes:
    return json.dumps(row(image_id, **changes)).encode()


def odd(text: str, image_id: str = "i0") -> bytes:
    """A good line with one more member, written as it stands."""
    return line(image_id)[:-1] + b", " + text.encode("utf-8", "surrogatepass") + b"}"


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return f'"x": {opening * depth}{closing * depth}'


def parquet(rows: list[dict[str, Any]] | pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows), sink, **options)
    return sink.getvalue()


def column(name: str, values: Any, kind: pa.DataType | None = None) -> bytes:
    """Four good rows with one column replaced."""
    table = pa.Table.from_pylist([row(f"i{n}", captured_at=MOMENT) for n in range(4)])
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)
    return parquet(table.set_column(table.column_names.index(name), name, array))


def without(name: str) -> bytes:
    return parquet(pa.Table.from_pylist([row(f"i{n}", captured_at=MOMENT) for n in range(4)]).drop_columns([name]))


def with_column(name: str, values: Any, kind: pa.DataType | None = None) -> bytes:
    table = pa.Table.from_pylist([row(f"i{n}", captured_at=MOMENT) for n in range(4)])
    return parquet(table.append_column(name, pa.array(values, kind)))


def chances(image_id: str, probabilities: Any) -> dict[str, Any]:
    told = {each: value for each, value in row(image_id, captured_at=MOMENT).items() if each != "detections"}
    return {**told, "kind": "classify", "probabilities": probabilities}


def mapped(pairs: list[tuple[Any, Any]], key: pa.DataType | None = None) -> bytes:
    """A record of classify whose probabilities are a map of Arrow."""
    told = {name: value for name, value in chances("i0", None).items() if name != "probabilities"}
    kind = pa.map_(key or pa.string(), pa.float64())
    return parquet(pa.Table.from_pylist([told]).append_column("probabilities", pa.array([pairs], kind)))


def twice(name: str) -> bytes:
    table = pa.Table.from_pylist([row("i0", captured_at=MOMENT)])
    return parquet(pa.table([*table.columns, table[name]], names=[*table.column_names, name]))


def repeated_text(rows: int, size: int) -> bytes:
    """A few kilobytes that stand for `rows * size` bytes: one text, stored once."""
    return with_rows(rows, camera=pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["x" * size]))


def with_rows(rows: int, **columns: pa.Array) -> bytes:
    return parquet(pa.table({"image_id": pa.array(["i0"] * rows), **columns}))


def repeated_list(values: int) -> bytes:
    """One row with a list of so many zeros, stored as a run."""
    zeros = pa.array(np.zeros(values))
    return parquet(pa.table({"detections": pa.ListArray.from_arrays(pa.array([0, values], pa.int32()), zeros)}))


def wide(columns: int) -> bytes:
    table = pa.Table.from_pylist([row("i0", captured_at=MOMENT)])
    more = {f"c{n}": pa.array([n]) for n in range(columns)}
    return parquet(pa.table({**{name: table[name] for name in table.column_names}, **more}))


OK = "accepted"
Part = tuple[str, Callable[[], bytes], list[str]]
"""Name of the file, its bytes, and what becomes of its rows (or of the whole file): `accepted` or a reason each."""

PARTS: dict[str, Part] = {
    "a line of 10 megabytes": (
        "p.jsonl",
        lambda: line("i0") + b"\n" + odd('"x": "' + "y" * 10_000_000 + '"', "i1"),
        [OK, "too_large"],
    ),
    "a file of 10 megabytes without an end": ("p.jsonl", lambda: b"x" * 10_000_000, ["too_large"]),
    "nested 10,000 deep": ("p.jsonl", lambda: odd(nested(10_000)), ["bad_json"]),
    "nested 900 deep": ("p.jsonl", lambda: odd(nested(900)), ["bad_json"]),
    "nested 300 deep, closed": ("p.jsonl", lambda: odd('"x": ' + '{"a":' * 300 + "1" + "}" * 300), ["bad_json"]),
    "nested 20 deep": ("p.jsonl", lambda: odd(nested(20)), [OK]),
    "a name twice": ("p.jsonl", lambda: odd('"width": 64'), ["bad_json"]),
    "a name twice, deep inside": ("p.jsonl", lambda: odd('"x": [{"a": 1, "a": 2}]'), ["bad_json"]),
    "Infinity": ("p.jsonl", lambda: odd('"x": Infinity'), ["non_finite"]),
    "NaN deep inside": ("p.jsonl", lambda: odd('"x": {"y": [NaN]}'), ["non_finite"]),
    "1e999": ("p.jsonl", lambda: odd('"x": 1e999'), ["non_finite"]),
    "a number of 5,000 digits": ("p.jsonl", lambda: odd('"x": ' + "9" * 5_000), ["non_finite"]),
    "a byte-order mark": ("p.jsonl", lambda: b"\xef\xbb\xbf" + line(), [OK]),
    "lines of Windows": ("p.jsonl", lambda: b"\r\n".join([line("i0"), line("i1"), b""]), [OK, OK]),
    "lines of an old Macintosh": ("p.jsonl", lambda: line("i0") + b"\r" + line("i1"), ["bad_json"]),
    "blank lines": ("p.jsonl", lambda: b"\n \n\t\n" + line() + b"\n\n", [OK]),
    "a last line that is cut": ("p.jsonl", lambda: line("i0") + b"\n" + line("i1")[:40], [OK, "bad_json"]),
    "zeros behind the last line": ("p.jsonl", lambda: line("i0") + b"\n" + b"\0" * 500, [OK, "bad_json"]),
    "an array instead of lines": ("p.jsonl", lambda: b"[" + line() + b"]", ["bad_json"]),
    "half of a surrogate pair": ("p.jsonl", lambda: odd(r'"x": "\ud83c"'), ["bad_json"]),
    "bytes that are not UTF-8": ("p.jsonl", lambda: line().replace(b"cam-1", b"cam-\xff"), ["bad_json"]),
    "UTF-16": ("p.jsonl", lambda: line().decode().encode("utf-16"), ["unsupported_encoding"]),
    "a line separator inside a text": ("p.jsonl", lambda: odd('"x": "a\u2028b"'), [OK]),
    "comments": ("p.jsonl", lambda: b"// a\n" + line(), ["bad_json", OK]),
    "single quotes": ("p.jsonl", lambda: line().replace(b'"', b"'"), ["bad_json"]),
    "true for a number": ("p.jsonl", lambda: line(width=True), ["bad_record"]),
    "text for a number": ("p.jsonl", lambda: line(width="64"), ["bad_record"]),
    "11,000 detections": (
        "p.jsonl",
        lambda: line(detections=[{"class_id": 0, "confidence": 0.5, "box": [1, 1, 9, 9]}] * 11_000),
        ["bad_record"],
    ),
    "a camera of 300 characters": ("p.jsonl", lambda: line(camera="c" * 300), ["bad_name"]),
    "a camera with a line break": ("p.jsonl", lambda: line(camera="a\nb"), ["bad_name"]),
    "a camera with markup": ("p.jsonl", lambda: line(camera="<script>alert(1)</script>"), ["bad_name"]),
    "an address instead of a key": ("p.jsonl", lambda: line(key="http://169.254.169.254/"), ["uri_not_allowed"]),
    "too many lines": ("p.jsonl", lambda: b"x\n" * 1_100_000, ["too_large"]),
    "nothing but line breaks": ("p.jsonl", lambda: b"\n" * 30_000_000, ["too_large"]),
    "packed": ("p.jsonl.gz", lambda: gzip.compress(line("i0") + b"\n") + gzip.compress(line("i1")), [OK, OK]),
    "packed nothing": ("p.jsonl.gz", lambda: gzip.compress(b""), []),
    "a million times packed nothing": ("p.jsonl.gz", lambda: gzip.compress(b"") * 1_000_000, ["too_large"]),
    "packed, cut": ("p.jsonl.gz", lambda: gzip.compress(line())[:-9], ["corrupt_file"]),
    "packed, wrong checksum": ("p.jsonl.gz", lambda: gzip.compress(line())[:-8] + b"\0" * 8, ["corrupt_file"]),
    "packed, with garbage behind": ("p.jsonl.gz", lambda: gzip.compress(line()) + b"garbage", ["corrupt_file"]),
    "packed twice": ("p.jsonl.gz", lambda: gzip.compress(gzip.compress(line())), ["unsupported_encoding"]),
    "a bomb": ("p.jsonl.gz", lambda: gzip.compress(b"0" * 60_000_000), ["too_large"]),
    "a name that says packed": ("p.jsonl.gz", line, ["corrupt_file"]),
    "packed under a plain name": ("p.jsonl", lambda: gzip.compress(line()), ["unsupported_encoding"]),
    "an archive": ("p.jsonl", lambda: b"PK\x03\x04" + b"\0" * 50, ["unsupported_encoding"]),
    "plain JSON": ("p.json", line, ["unknown_file"]),
    "printed for people": ("p.jsonl", lambda: json.dumps(row(), indent=1).encode(), ["not_lines"]),
    "printed for people, one after the other": (
        "p.jsonl",
        lambda: b"\n".join(json.dumps(row(f"i{n}"), indent=1).encode() for n in range(4)),
        ["not_lines"],
    ),
    "a list over many lines": ("p.jsonl", lambda: b"[" + b",\n".join(map(line, ["i0", "i1"])) + b"]", ["not_lines"]),
    "a list with its brackets alone": (
        "p.jsonl",
        lambda: b"[\n" + b",\n".join(map(line, ["i0", "i1"])) + b"\n]\n",
        ["not_lines"],
    ),
    "a first line of which little is left": (
        "p.jsonl",
        lambda: b"{\n" + line("i0") + b"\n" + line("i1"),
        ["bad_json", OK, OK],
    ),
    "CSV": ("p.csv", lambda: b"a,b\n1,2\n", ["unknown_file"]),
    "Arrow": ("p.arrow", lambda: b"ARROW1\0\0", ["unknown_file"]),
    "a name in capitals": ("P.JSONL", line, ["unknown_file"]),
    "Parquet": ("p.parquet", lambda: parquet([row(f"i{n}", captured_at=MOMENT) for n in range(4)]), [OK] * 4),
    "Parquet with a dictionary": (
        "p.parquet",
        lambda: column("camera", pa.array(["cam-1"] * 4).dictionary_encode()),
        [OK] * 4,
    ),
    "Parquet with large texts": ("p.parquet", lambda: column("camera", ["cam-1"] * 4, pa.large_string()), [OK] * 4),
    "Parquet with a column of nulls": (
        "p.parquet",
        lambda: column("camera", [None] * 4, pa.string()),
        ["bad_record"] * 4,
    ),
    "Parquet with a column without a type": ("p.parquet", lambda: column("camera", pa.nulls(4)), ["bad_record"] * 4),
    "Parquet with one null": ("p.parquet", lambda: column("camera", ["cam-1", None] * 2), [OK, "bad_record"] * 2),
    "Parquet without a column": ("p.parquet", lambda: without("width"), ["bad_record"] * 4),
    "Parquet with floats for sides": ("p.parquet", lambda: column("width", [64.0] * 4), ["bad_record"] * 4),
    "Parquet with decimals": ("p.parquet", lambda: column("width", [Decimal(64)] * 4), ["bad_record"] * 4),
    "Parquet with bytes for text": ("p.parquet", lambda: column("camera", [b"cam-1"] * 4), ["bad_record"] * 4),
    "Parquet with dates": ("p.parquet", lambda: column("captured_at", [date(2026, 11, 20)] * 4), ["bad_time"] * 4),
    "Parquet with times that lack a zone": (
        "p.parquet",
        lambda: column("captured_at", [MOMENT.replace(tzinfo=None)] * 4),
        ["bad_time"] * 4,
    ),
    "Parquet with a zone that does not exist": (
        "p.parquet",
        lambda: column("captured_at", [0] * 4, pa.timestamp("us", tz="Mars/Phobos")),
        ["corrupt_file"],
    ),
    "Parquet with times beyond the calendar": (
        "p.parquet",
        lambda: column("captured_at", [2**62] * 4, pa.timestamp("us", tz="UTC")),
        ["corrupt_file"],
    ),
    "Parquet with nanoseconds": (
        "p.parquet",
        lambda: column("captured_at", [int(MOMENT.timestamp()) * 10**9] * 4, pa.timestamp("ns", tz="UTC")),
        [OK] * 4,
    ),
    "Parquet with JSON inside": ("p.parquet", lambda: column("detections", ["[]"] * 4), ["bad_record"] * 4),
    "Parquet with NaN": (
        "p.parquet",
        lambda: column("detections", [[{"class_id": 0, "confidence": float("nan"), "box": [1.0, 1.0, 9.0, 9.0]}]] * 4),
        ["non_finite"] * 4,
    ),
    "Parquet with nulls where nothing is said": (
        "p.parquet",
        lambda: parquet([row(f"i{n}", captured_at=MOMENT, site=None, sha256=None, error=None) for n in range(4)]),
        [OK] * 4,
    ),
    "Parquet with a failed request": (
        "p.parquet",
        lambda: parquet(
            [
                row("i0", captured_at=MOMENT, error=None),
                row("i1", captured_at=MOMENT, key=None, detections=None, width=0, height=0, error="out of memory"),
            ]
        ),
        [OK, OK],
    ),
    "Parquet with probabilities as a map": ("p.parquet", lambda: mapped([("0", 1.0), ("1", None)]), [OK]),
    "Parquet with probabilities as a map of numbers": ("p.parquet", lambda: mapped([(0, 1.0)], pa.int32()), [OK]),
    "Parquet with probabilities as a map that repeats a class": (
        "p.parquet",
        lambda: mapped([("0", 0.5), ("0", 0.5)]),
        ["bad_record"],
    ),
    "Parquet with probabilities as structs of other classes": (
        "p.parquet",
        lambda: parquet([chances("i0", {"0": 0.9, "1": 0.1}), chances("i1", {"0": 1.0})]),
        ["bad_class", OK],
    ),
    "Parquet with probabilities as text": (
        "p.parquet",
        lambda: parquet([chances("i0", "0.9")]),
        ["bad_record"],
    ),
    "Parquet that repeats a text of a megabyte in a map": (
        "p.parquet",
        lambda: mapped([("x" * 1_000_000, 0.1)] * 100),
        ["too_large"],
    ),
    "Parquet with a name twice": ("p.parquet", lambda: twice("camera"), ["corrupt_file"]),
    "Parquet of 3,000 columns": ("p.parquet", lambda: wide(3_000), [OK]),
    "Parquet with a column of another world": (
        "p.parquet",
        lambda: with_column("blob", [b"x" * 100_000] * 4),
        [OK] * 4,
    ),
    "Parquet with an address": (
        "p.parquet",
        lambda: with_column("image_uri", ["file:///etc/passwd"] * 4),
        ["uri_not_allowed"] * 4,
    ),
    "Parquet without rows": ("p.parquet", lambda: parquet(pa.table({"image_id": pa.array([], pa.string())})), []),
    "Parquet without columns that are known": ("p.parquet", lambda: parquet([{"a": 1}, {"a": 2}]), ["bad_record"] * 2),
    "Parquet, cut": ("p.parquet", lambda: parquet([row()])[:-20], ["corrupt_file"]),
    "Parquet by its name only": ("p.parquet", line, ["corrupt_file"]),
    "Parquet that repeats a text of a megabyte": ("p.parquet", lambda: repeated_text(5_000, 1_000_000), ["too_large"]),
    "Parquet that repeats one zero": ("p.parquet", lambda: repeated_list(3_000_000), ["too_large"]),
}


def label(**changes: Any) -> bytes:
    told = {"schema": 1, "image_id": "i0", "kind": "detect", "annotator": "kim", "labelled_at": "2026-11-20T07:00:00Z"}
    return json.dumps(told | {"objects": [{"class_id": 0, "box": [1, 2, 30, 40]}]} | changes).encode()


def objects(*found: dict[str, Any]) -> bytes:
    return label(objects=list(found))


LABELS: dict[str, Part] = {
    "a label": ("l.json", label, [OK]),
    "nothing there": ("l.json", lambda: label(objects=[]), [OK]),
    "a byte-order mark": ("l.json", lambda: b"\xef\xbb\xbf" + label(), [OK]),
    "lines of Windows in one label": (
        "l.json",
        lambda: json.dumps(json.loads(label()), indent=1).replace("\n", "\r\n").encode(),
        [OK],
    ),
    "no bytes": ("l.json", lambda: b"", ["empty"]),
    "blanks": ("l.json", lambda: b" \n ", ["bad_json"]),
    "UTF-16": ("l.json", lambda: label().decode().encode("utf-16"), ["bad_json"]),
    "zeros": ("l.json", lambda: b"\0" * 100, ["bad_json"]),
    "the text format of YOLO": ("l.txt", lambda: b"0 0.5 0.5 0.1 0.1\n", ["unknown_file"]),
    "decimal commas": ("l.json", lambda: label().replace(b"30", b"30,5,"), ["bad_json"]),
    "objects that are missing": ("l.json", lambda: label(objects=None), ["bad_label"]),
    "a box that is NaN": ("l.json", lambda: label().replace(b"30", b"NaN"), ["non_finite"]),
    "a box that is infinite": ("l.json", lambda: label().replace(b"30", b"1e999"), ["non_finite"]),
    "a box without width": ("l.json", lambda: objects({"class_id": 0, "box": [5, 5, 5, 9]}), ["degenerate_box"]),
    "a box of normalised numbers": (
        "l.json",
        lambda: objects({"class_id": 0, "box": [0.1, 0.1, 0.6, 0.6]}),
        ["degenerate_box"],
    ),
    "a box inside out": ("l.json", lambda: objects({"class_id": 0, "box": [30, 40, 1, 2]}), ["bad_label"]),
    "a box outside of its image": ("l.json", lambda: label(width=20, height=20), ["bad_label"]),
    "a box far to the left": ("l.json", lambda: objects({"class_id": 0, "box": [-50, 2, 30, 40]}), ["bad_label"]),
    "a box of three numbers": ("l.json", lambda: objects({"class_id": 0, "box": [1, 2, 3]}), ["bad_label"]),
    "a box of five numbers": ("l.json", lambda: objects({"class_id": 0, "box": [1, 2, 30, 40, 0.9]}), ["bad_label"]),
    "a box as text": ("l.json", lambda: objects({"class_id": 0, "box": "1 2 30 40"}), ["bad_label"]),
    "no box": ("l.json", lambda: objects({"class_id": 0}), ["bad_label"]),
    "a class beyond the model's": ("l.json", lambda: objects({"class_id": 7, "box": [1, 2, 30, 40]}), ["bad_class"]),
    "a class of 1.5": ("l.json", lambda: objects({"class_id": 1.5, "box": [1, 2, 30, 40]}), ["bad_class"]),
    "a class by name": ("l.json", lambda: objects({"class_id": "crack", "box": [1, 2, 30, 40]}), ["bad_class"]),
    "a class of -1": ("l.json", lambda: objects({"class_id": -1, "box": [1, 2, 30, 40]}), ["bad_class"]),
    "one bad object of two": (
        "l.json",
        lambda: objects({"class_id": 0, "box": [1, 2, 30, 40]}, {"class_id": 0, "box": [5, 5, 5, 9]}),
        ["degenerate_box"],
    ),
    "an object twice": ("l.json", lambda: objects(*[{"class_id": 0, "box": [1, 2, 30, 40]}] * 2), [OK]),
    "labelled in the future": ("l.json", lambda: label(labelled_at="2999-01-01T00:00:00Z"), ["bad_time"]),
    "labelled without a zone": ("l.json", lambda: label(labelled_at="2026-11-20T07:00:00"), ["bad_time"]),
    "labelled in 1970": ("l.json", lambda: label(labelled_at="1970-01-01T00:00:00Z"), ["bad_time"]),
    "a newer version": ("l.json", lambda: label(schema=2), ["schema_newer"]),
    "many in a part, one bad": (
        "l.jsonl",
        lambda: b"\n".join([label(), b"{", label(image_id="i1")]),
        [OK, "bad_json", OK],
    ),
    "a packed part": ("l.jsonl.gz", lambda: gzip.compress(label()), [OK]),
    "nested 10,000 deep": ("l.json", lambda: label()[:-1] + b", " + nested(10_000).encode() + b"}", ["bad_json"]),
    "11,000 objects": ("l.json", lambda: objects(*[{"class_id": 0, "box": [1, 2, 30, 40]}] * 11_000), ["bad_label"]),
}
