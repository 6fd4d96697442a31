"""MLflow as a mirror of the ledger: where people compare versions, and where serving loads the champion.

Nothing here decides, and nothing here is the truth: everything can be made again from the ledger and the bucket.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tasks.adapters import registry_package as package
from tasks.adapters import registry_runs as runs
from tasks.adapters import registry_uri as uri
from tasks.adapters.registry_client import translated
from tasks.adapters.registry_versions import RegisteredVersion, Versions
from tasks.domain.card import TAG_EVALUATION, TAG_EXPORTS, TAG_PROMOTION, TAG_SAMPLES, TAG_SHA256
from tasks.domain.comparing import Sheet
from tasks.domain.errors import ConfigError, NotFound, UnsafeModel
from tasks.domain.evaluation import Evaluation
from tasks.domain.export import Export
from tasks.domain.promotion import Promotion

SAMPLES_KEY = "predictions"
"""Name of the picture series; equal for all versions, so that their runs show the same pictures side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture with a version's predictions drawn in: `pixels` is RGB, uint8, (height, width, 3)."""

    name: str
    pixels: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Verified weights in the local cache."""

    path: Path
    sha256: str
    version: int


class Registry(Versions):
    """MLflow at one address. Every method that asks it may raise `RegistryUnavailable` and `ConfigError`."""

    def log_evaluation(
        self,
        name: str,
        version: int,
        evaluation: Evaluation,
        plots: Sequence[Path] = (),
        tables: Sequence[Sheet] = (),
    ) -> str:
        """Show an evaluation beside the version, and give its run's id back; the same one twice changes nothing.

        The numbers stand in three places, because MLflow's pages look in three: a run of its own in `<name>/eval`,
        the stored model (with the dataset's name and digest), and the source run as `<dataset>/<metric>`, which
        is what the page that compares versions reads. `tables` have the same names for all versions: the page of an
        experiment's runs shows them beside each other.
        """
        known = self._version(name, version)
        if known.sha256 and known.sha256 != evaluation.model_sha256:
            raise ConfigError(
                f"{name} v{version} has weights {known.sha256[:12]}, evaluated was {evaluation.model_sha256[:12]}"
            )
        with translated(f"log the evaluation of {name} v{version} on {evaluation.dataset}"):
            run_id = self._write_evaluation(name, known, evaluation, plots)
            runs.write_tables(self._client, run_id, tables)
            self._client.set_terminated(run_id)
        return run_id

    def _write_evaluation(
        self, name: str, known: RegisteredVersion, evaluation: Evaluation, plots: Sequence[Path]
    ) -> str:
        key = f"{evaluation.model_sha256}:{evaluation.dataset}:{evaluation.digest}:{evaluation.protocol}"
        run = runs.the_run(
            self._client,
            runs.experiment(self._client, name, "eval"),
            (TAG_EVALUATION, hashlib.sha256(key.encode()).hexdigest()),
            f"eval-v{known.version}-{evaluation.dataset}",
            runs.role_tags("eval", **{TAG_SHA256: evaluation.model_sha256}),
        )
        run_id = str(run.info.run_id)
        dataset = (evaluation.dataset, evaluation.digest, "")
        runs.name_dataset(self._client, run_id, dataset, "evaluation")
        runs.write_evaluation(self._client, run, (known.run_id, known.model_id), evaluation)
        runs.write_plots(self._client, run_id, plots)
        return run_id

    def log_export(self, name: str, version: int, export: Export, path: Path) -> None:
        """Show an exported file beside the version: its bytes in the source run, its hash as a tag.

        The same file twice is sent once.

        Raises:
            UnsafeModel: `path` does not hold the bytes that the export names.
        """
        package.check_file(path, export.sha256)
        tag, known = TAG_EXPORTS[export.form.value], self._version(name, version)
        with translated(f"show {export} beside {name} v{version}"):
            if self._client.get_model_version(name, str(version)).tags.get(tag) == export.sha256:
                return
            with tempfile.TemporaryDirectory(prefix="evergreen-export-") as scratch:
                named = Path(scratch) / f"{export.sha256[:16]}.{export.form.value}"
                shutil.copyfile(path, named)
                self._client.log_artifact(known.run_id, str(named), "exports")
            self._client.set_model_version_tag(name, str(version), tag, export.sha256)

    def log_images(self, name: str, version: int, samples: Sequence[Sample]) -> None:
        """Show the same sample pictures for every version, in the source run, one step per picture.

        Call it with the same pictures in the same order for all versions. The same pixels twice are sent once.
        """
        known = self._version(name, version)
        digest = hashlib.sha256(
            b"".join(sample.name.encode() + sample.pixels.tobytes() for sample in samples)
        ).hexdigest()
        with translated(f"log sample pictures of {name} v{version}"):
            run = self._client.get_run(known.run_id)
            if run.data.tags.get(TAG_SAMPLES) == digest:
                return
            for step, sample in enumerate(samples):
                self._client.log_image(known.run_id, sample.pixels, key=SAMPLES_KEY, step=step)
            self._client.set_tag(known.run_id, TAG_SAMPLES, digest)

    def log_promotions(self, name: str, moves: Sequence[Promotion], numbers: Mapping[str, int]) -> None:
        """One run in `<name>/promotions` per move; one that was logged stays as it is.

        `numbers` maps a SHA-256 to its version.
        """
        with translated(f"log the promotions of {name}"):
            experiment_id = runs.experiment(self._client, name, "promotion")
            done = {run.data.tags.get(TAG_PROMOTION) for run in self._client.search_runs([experiment_id])}
            for move in (one for one in moves if str(one.seq) not in done):
                before, after = numbers.get(move.from_sha256, 0), numbers.get(move.to_sha256, 0)
                tags = {"by": move.actor, "reason": move.reason[:500], "at": move.at.isoformat(), "to": move.to_sha256}
                title = f"{move.seq:04d}-{move.kind.value}-v{before or '?'}-to-v{after or '?'}"
                known = runs.role_tags("promotion", **{"from": move.from_sha256, **tags})
                run = runs.the_run(self._client, experiment_id, (TAG_PROMOTION, str(move.seq)), title, known)
                self._client.set_terminated(run.info.run_id)

    def download(self, name: str, wanted: int | str, into: Path) -> Download:
        """Verified weights of a version (number) or alias (text), below `into/<name>-v<version>/`.

        A folder that is complete (`.ok` holds the hash) and still hashes right is used again, without asking for
        the bytes. Compare `sha256` with the ledger before you serve: MLflow's tags can be edited.

        Raises:
            NotFound: no such version or alias, or the version is an empty shell.
            UnsafeModel: the bytes are not the ones that were registered.
        """
        known = self._version(name, self._number(name, wanted))
        if not known.sha256 or not known.model_id:
            raise UnsafeModel(
                f"{name} v{known.version} was not registered by Evergreen: its weights have no recorded hash"
            )
        folder = into / f"{name}-v{known.version}"
        marker, weights = folder / ".ok", folder / "weights.pt"
        if not (
            marker.is_file()
            and weights.is_file()
            and marker.read_text() == package.file_sha256(weights) == known.sha256
        ):
            self._download(name, known, folder)
        return Download(path=weights, sha256=known.sha256, version=known.version)

    def _number(self, name: str, wanted: int | str) -> int:
        if isinstance(wanted, int):
            return wanted
        found = self.aliases(name)
        if wanted not in found:
            there = ", ".join(sorted(found)) or "none"
            raise NotFound(f"{name!r} has no {wanted!r} in MLflow (aliases there: {there}): run `evergreen reconcile`")
        return found[wanted]

    def _download(self, name: str, known: RegisteredVersion, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as scratch:
            with translated(f"download {name} v{known.version}"):
                fetched = package.fetch_weights(self._client, self.url, known.model_id, Path(scratch))
            if fetched is None:
                raise NotFound(f"{name} v{known.version} is an empty shell in MLflow: its weights were deleted there")
            package.check_file(fetched, known.sha256)
            whole = Path(scratch) / "whole"
            whole.mkdir()
            fetched.replace(whole / "weights.pt")
            (whole / ".ok").write_text(known.sha256)
            shutil.rmtree(folder, ignore_errors=True)
            whole.replace(folder)

    def version_url(self, name: str, version: int) -> str:
        """The version's page."""
        return uri.version_page(self.url, name, version)

    def compare_url(self, name: str, versions: Sequence[int]) -> str:
        """The page that shows these versions side by side, in this order; those without a source run are left out."""
        source = {one.version: one.run_id for one in self.versions(name) if one.run_id}
        return uri.compare_page(self.url, name, {number: source[number] for number in versions if number in source})

    def curves_url(self, name: str) -> str:
        """All trainings of the model as charts, with the sample pictures."""
        with translated(f"find the experiment of {name!r}"):
            return uri.runs_chart_page(self.url, runs.experiment(self._client, name, "train"))

    def models_url(self, name: str) -> str:
        """All versions with their numbers by dataset."""
        with translated(f"find the experiment of {name!r}"):
            return uri.models_page(self.url, runs.experiment(self._client, name, "train"))
