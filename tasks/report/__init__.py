"""One page per window and per decision, pictures first, user text escaped."""
