"""Is a camera itself at fault, and what is the matter with it: covered, moved, out of focus, silent, late …?"""
