"""A challenger from the champion and new labels, registered with its bytes' hash."""
