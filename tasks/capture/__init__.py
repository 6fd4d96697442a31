"""The serving side: write what production saw and predicted, without ever blocking inference."""
