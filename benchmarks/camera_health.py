"""What the camera stage says of a drawn window: how its pictures look, and how they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
from camera_ways_delivery import Sent

from tasks.camera.clock import Arrivals, judge_clocks
from tasks.camera.delivery import judge_delivery, usual
from tasks.camera.frames import by_camera
from tasks.camera.pictures import judge_pictures
from tasks.camera.rules import CameraRules
from tasks.camera.silence import silences
from tasks.camera.task import moments
from tasks.domain.finding import Report, Stage
from tasks.domain.window import Window


def judged(before: pa.Table, after: pa.Table, sent: Mapping[str, Sent], window: Window) -> Report:
    """The camera stage's report on a window (`after`) and its reference."""
    rules = CameraRules()
    expected = usual(before["captured_at"].to_pylist(), before["camera"].to_pylist(), window)
    pauses = silences(
        *(moments(each.select(["camera", "captured_at"]).to_batches()) for each in (before, after)), window
    )
    came = {name: Arrivals(captured=each.captured, delay=each.landed - each.captured) for name, each in sent.items()}
    found = judge_pictures(by_camera(before), by_camera(after), rules)
    found += judge_delivery(expected, Counter(after["camera"].to_pylist()), rules, pauses) + judge_clocks(came, rules)
    return Report(stage=Stage.CAMERA, findings=found)
