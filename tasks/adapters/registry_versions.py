"""Versions and aliases in MLflow.

A version is registered once per SHA-256 even when a reply is lost on the way: the tag
`evergreen.sha256` is searched before and after, the lowest number is kept and copies are marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.adapters import registry_package as package
from tasks.adapters import registry_runs as runs
from tasks.adapters.registry_client import open_client, translated
from tasks.domain.card import (
    TAG_DATASET,
    TAG_DUPLICATE,
    TAG_KIND,
    TAG_SHA256,
    VersionCard,
    clip_markdown,
)
from tasks.domain.errors import NotFound
from tasks.domain.model import ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredVersion:
    """One version as MLflow has it; `sha256` is empty when somebody registered it by hand."""

    version: int
    sha256: str
    run_id: str
    model_id: str
    duplicate: bool


class Versions:
    """Versions and aliases at one address. Every method may raise `RegistryUnavailable` and `ConfigError`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._opened: Any = None

    @property
    def _client(self) -> Any:
        if self._opened is None:
            self._opened = open_client(self.url)
        return self._opened

    def probe(self) -> None:
        """Ask a question that needs MLflow's database (its /health answers without one)."""
        with translated("is MLflow there?"):
            self._client.search_experiments(max_results=1)

    def ensure_model(self, name: str, description: str = "") -> None:
        """Make the registered model and its three experiments exist."""
        with translated(f"create the registered model {name!r}"):
            if name not in {model.name for model in self._client.search_registered_models(f"name = '{name}'")}:
                self._create_model(name, description)
            for role in runs.ROLES:
                runs.experiment(self._client, name, role)

    def _create_model(self, name: str, description: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name, description=clip_markdown(description) or None)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def versions(self, name: str) -> list[RegisteredVersion]:
        """All versions, oldest first, copies included; empty when MLflow does not know the model."""
        with translated(f"list the versions of {name!r}"):
            found = self._client.search_model_versions(f"name = '{name}'")
        return sorted((_registered(one) for one in found), key=lambda one: one.version)

    def find(self, name: str, sha256: str) -> RegisteredVersion | None:
        """The live version with these weights, if there is one."""
        return next((one for one in self.versions(name) if one.sha256 == sha256 and not one.duplicate), None)

    def register(self, ref: ModelRef, weights: Path, card: VersionCard) -> int:
        """The version number of these weights: found, or made with its source run and verified artifacts.

        Raises:
            UnsafeModel: the file is not what `ref.sha256` names.
        """
        self.ensure_model(ref.name)
        with translated(f"register {ref}"):
            if kept := self._settle(ref):
                return kept
            experiment_id = runs.experiment(self._client, ref.name, "train")
            name = f"{ref.name}-{ref.sha256[:8]}"
            run = runs.the_run(self._client, experiment_id, (TAG_SHA256, ref.sha256), name, runs.role_tags("train"))
            runs.write_card(self._client, run, card)
            model_id = package.stored_model(self._client, self.url, ref, weights, (experiment_id, run.info.run_id))
            self._client.set_terminated(run.info.run_id)
            tags = {**card.tags, TAG_SHA256: ref.sha256, TAG_KIND: ref.kind.value}
            if card.dataset_digest:
                tags[TAG_DATASET] = card.dataset_digest[:12]
            self._client.create_model_version(
                ref.name,
                source=f"models:/{model_id}",
                model_id=model_id,
                run_id=run.info.run_id,
                tags=tags,
                description=clip_markdown(card.description) or None,
            )
            number = self._settle(ref)
            self._client.update_run(run.info.run_id, name=f"v{number} {ref.sha256[:8]}")
            return number

    def _settle(self, ref: ModelRef) -> int:
        """The lowest live number with these weights, the others marked as copies of it; 0 when there is none."""
        live = [one for one in self.versions(ref.name) if one.sha256 == ref.sha256 and not one.duplicate]
        for copy in live[1:]:
            self._client.set_model_version_tag(ref.name, str(copy.version), TAG_DUPLICATE, str(live[0].version))
        return live[0].version if live else 0

    def describe(self, name: str, version: int, markdown: str) -> None:
        """Show the text on the version's page; longer than 5000 characters it is cut at a line."""
        with translated(f"describe {name} v{version}"):
            self._client.update_model_version(name, str(version), description=clip_markdown(markdown))

    def describe_model(self, name: str, markdown: str) -> None:
        """Show the text on the registered model's page; a text that is there already is not sent again."""
        text = clip_markdown(markdown)
        with translated(f"describe {name!r}"):
            if self._client.get_registered_model(name).description != text:
                self._client.update_registered_model(name, description=text)

    def aliases(self, name: str) -> dict[str, int]:
        """Alias to version number; {} when MLflow does not know the model."""
        with translated(f"read the aliases of {name!r}"):
            found = self._client.search_registered_models(f"name = '{name}'")
            return {
                alias: int(number)
                for model in found
                if model.name == name
                for alias, number in self._client.get_registered_model(name).aliases.items()
            }

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Point the alias at the version, and read it back.

        Raises:
            NotFound: there is no such version.
        """
        from mlflow.exceptions import MlflowException

        with translated(f"point {alias!r} of {name!r} at version {version}"):
            if self.aliases(name).get(alias) == version:
                return
            self._client.get_model_version(name, str(version))
            try:
                self._client.set_registered_model_alias(name, alias, str(version))
            except MlflowException as error:
                if error.error_code not in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE"):
                    raise
                self._client.set_registered_model_alias(name, alias, str(version))  # two first settings collided
        if (found := self.aliases(name).get(alias)) != version:
            raise NotFound(f"{alias!r} of {name!r} was set to version {version} but reads {found}: somebody moved it")

    def delete_alias(self, name: str, alias: str) -> None:
        """Take the alias away; without one nothing happens."""
        if alias in self.aliases(name):
            with translated(f"delete the alias {alias!r} of {name!r}"):
                self._client.delete_registered_model_alias(name, alias)

    def _version(self, name: str, version: int) -> RegisteredVersion:
        with translated(f"read {name} v{version}"):
            return _registered(self._client.get_model_version(name, str(version)))


def _registered(found: Any) -> RegisteredVersion:
    model = found.source.removeprefix("models:/") if found.source.startswith("models:/m-") else ""
    return RegisteredVersion(
        version=int(found.version),
        sha256=found.tags.get(TAG_SHA256, ""),
        run_id=found.run_id or "",
        model_id=model,
        duplicate=TAG_DUPLICATE in found.tags,
    )
