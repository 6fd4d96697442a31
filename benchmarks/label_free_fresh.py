"""x"""

FRESH = {}
