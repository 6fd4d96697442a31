"""How good is a version on labelled images, and how sure is that?"""
