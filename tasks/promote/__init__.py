"""Ask a person, then move the champion; rollback is the inverse."""
