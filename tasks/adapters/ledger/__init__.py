"""The one SQL database that is the source of truth; MLflow and Prefect are projections of it."""
