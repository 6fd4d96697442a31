"""What one line of the data contract holds, field by field: the wire form of a prediction."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, PrivateAttr

from tasks.domain import contract_values as v
from tasks.domain.contract_wire import Row, Wire
from tasks.domain.model import Kind


class Latency(Wire):
    """Milliseconds per step, as ultralytics' `Results.speed` gives them."""

    preprocess: v.Milliseconds | None = Field(default=None, description="Milliseconds before the network")
    inference: v.Milliseconds | None = Field(default=None, description="Milliseconds in the network")
    postprocess: v.Milliseconds | None = Field(default=None, description="Milliseconds after the network")


class Scored(Wire):
    """A class with its probability (classify)."""

    class_id: v.ClassId = Field(description="Index into the model's class names")
    confidence: v.Confidence = Field(description="Probability of the class, 0..1")


class Detection(Scored):
    """One object that the model saw; for classify one class with its probability."""

    box: v.Box | None = Field(default=None, description="x1, y1, x2, y2 in pixels of the image as it is shown")
    polygon: v.Polygon | None = Field(default=None, description="x, y, x, y, … in pixels (segment)")
    corners: v.Corners | None = Field(default=None, description="Four corners x, y in pixels (obb)")
    keypoints: v.Keypoints | None = Field(default=None, description="x, y, confidence, … (pose)")


class PredictionRecord(Row):
    """One image that was predicted on."""

    schema_: int = Field(alias="schema", ge=1, description="Version of this contract")
    image_id: v.ImageId = Field(description="Unique per model; labels are joined by it")
    key: Annotated[str, Field(max_length=1024)] = Field(
        default="", description="Object key of the image; empty: not kept"
    )
    captured_at: v.Moment = Field(description="When the shutter opened; ISO 8601 with UTC offset")
    camera: v.Camera = Field(min_length=1, description="Which camera")
    site: v.ShortText | None = Field(default=None, description="Which site")
    session: v.ShortText | None = Field(default=None, description="Frames that are not independent share it")
    model_version: v.Version = Field(description="MLflow version that predicted")
    kind: Annotated[Kind, Field(strict=False)] = Field(description="What the model answers with")
    width: v.Side = Field(description="Pixels, of the image that boxes refer to (after EXIF rotation)")
    height: v.Side = Field(description="Pixels, of the image that boxes refer to (after EXIF rotation)")
    detections: Annotated[tuple[Detection, ...], BeforeValidator(v.as_tuple), Field(max_length=v.MAX_OBJECTS)] = Field(
        default=(), description="What the model saw; empty: nothing"
    )
    probabilities: (
        Annotated[dict[str, v.Confidence], BeforeValidator(v.as_chances), Field(max_length=v.MAX_CLASSES)] | None
    ) = Field(default=None, description="classify: probability of every class id")
    top: Annotated[tuple[Scored, ...], BeforeValidator(v.as_tuple), Field(max_length=v.MAX_CLASSES)] | None = Field(
        default=None, description="classify: the most probable classes, instead of `probabilities`"
    )
    latency_ms: Latency | None = Field(default=None, description="Milliseconds per step")
    runtime: v.ShortText | None = Field(default=None, description="tensorrt-fp16, onnx, torch …")
    sampling_probability: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="Chance that the image was kept: what is measured on kept images is weighed by it"
    )
    sha256: v.Sha256 = Field(default=None, description="Of the image bytes, hex")
    error: v.ErrorText = Field(default=None, description="Why the request failed; empty or blank: it did not")

    _note: str = PrivateAttr(default="")

    @property
    def note(self) -> str:
        """What was mended while reading, such as boxes that were clipped; empty for nothing."""
        return self._note

    def noted(self, note: str) -> PredictionRecord:
        """The record with a word about what was mended while reading."""
        self._note = note
        return self
