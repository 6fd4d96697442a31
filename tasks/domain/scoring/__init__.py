"""How answers are held against labels: average precision, accuracy, and what chance alone would do to them."""
