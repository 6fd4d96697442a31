"""Which labelled images a challenger may learn from, split so that nothing leaks."""
