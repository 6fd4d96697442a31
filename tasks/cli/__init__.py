"""What a person can do, as commands with --json."""
