"""What is deployed: a file exported from a version, and whether it still answers as the version does."""
