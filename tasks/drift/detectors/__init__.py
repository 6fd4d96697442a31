"""One detector a file: a pure function and a record DETECTOR beside it; the file name is its name."""
