"""What tools write beside data: markers of a finished job, checksums, what a file browser leaves. Never data."""

from __future__ import annotations

import re

_FOLDERS = re.compile(r"(^|/)(_temporary|_delta_log|_spark_metadata|\.(spark|hive)-staging[^/]*)/")
"""Folders that Hadoop, Spark, Delta and Hive keep for themselves; what lies there is not committed, or no record."""

_NAMES = re.compile(
    r"(_SUCCESS|_(committed|started)_\w+|_(common_)?metadata|[^/]*\.crc|_temporary"  # Hadoop, Spark, Databricks
    r"|\.DS_Store|Thumbs\.db|ehthumbs\.db|desktop\.ini"  # Finder, Explorer
    r"|\.(git|s3)?keep|\.keep_me|\.emptyFolderPlaceholder|[^/]*_\$folder\$)",  # folders of a store that knows none
    re.IGNORECASE,
)
"""Whole names: an image is called `<id>.<ext>`, so that none of these is one."""


def is_marker(key: str) -> bool:
    """Whether an object is a tool's own, told by its key alone.

    >>> is_marker("m/predictions/date=2026-11-20/hour=06/_SUCCESS"), is_marker("m/images/c/2026/11/20/06/a.jpg")
    (True, False)
    """
    return bool(_FOLDERS.search(key) or _NAMES.fullmatch(key.rsplit("/", 1)[-1]))
