"""Objects that vanish and come back between neighbouring frames of one session: the model is unsure of what it sees."""
