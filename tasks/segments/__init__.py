"""Where the champion is weak, and what it may have learnt instead of the thing itself."""
