"""The stages of the loop, one folder each, above the adapters and the domain they share."""
