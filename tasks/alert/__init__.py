"""Tell people once per new verdict: what, expected, window, camera, link."""
