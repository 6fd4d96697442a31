"""Which images and predictions belong to a window, each accepted or quarantined with a reason."""
