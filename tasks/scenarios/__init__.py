"""The worlds of the demonstrations: where their pictures come from, and what is true in each of them."""
