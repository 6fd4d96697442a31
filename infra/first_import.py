"""Imports once what the servers and flows import at every start, so that Python keeps the compiled files.

uv installs without compiling. Where nothing is kept (PYTHONDONTWRITEBYTECODE, a read-only installation) every process
of the stack compiles some thousand files again: about half of what it takes to start. The set-up runs this; it is also
the first proof that what was installed can be loaded.
"""

import importlib
import pkgutil
import warnings

import flows
import tasks

SERVERS_AND_LIBRARIES = (
    "boto3",
    "evidently",
    "great_expectations",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "mlflow.server",
    "onnxruntime",
    "pandas",
    "prefect.cli",
    "prefect.runner",
    "prefect.server.api.server",
    "prefect_dask.task_runners",
    "scipy.stats",
    "sklearn.ensemble",
    "torch",
    "torchvision",
    "uvicorn",
)


def main() -> None:
    """Every module of this repository, then what they load only when they need it."""
    warnings.simplefilter("ignore")
    ours = [
        module.name
        for package in (flows, tasks)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith("__main__")
    ]
    for name in (*ours, *SERVERS_AND_LIBRARIES):
        importlib.import_module(name)
    from tasks.adapters.yolo_load import ultralytics

    _ = ultralytics().YOLO  # it loads its parts when they are asked for


if __name__ == "__main__":
    main()
