"""One outside system a file, speaking domain types outwards."""
