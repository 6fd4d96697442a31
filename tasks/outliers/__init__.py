"""What does not belong: images unlike any of the reference, and objects where none used to be."""
