# People, hooks and CI use the same names.
