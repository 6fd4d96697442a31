"""How fast and how reliably the model was served: figures from the prediction records, and the promises about them."""
