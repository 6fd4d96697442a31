"""Challenger beside champion on the same images, and the gates that a person need not check."""
