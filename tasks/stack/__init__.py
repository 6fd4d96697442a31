"""The embedded stack: S3, Prefect, MLflow, workers and exporter on one machine, loopback only."""
