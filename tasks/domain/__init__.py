"""Nouns and the few decisions that all stages share; plain Python, numpy, pyarrow and pydantic."""
