"""The pipeline of a family: one at a time, in a private folder, and its turn at the destination."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from connectors_dagster.compat.dlt_internals import AnyDestination, DltException
from connectors_dagster.config.workdir import private_folder, work_subfolder
from connectors_dagster.errors import LoadError, MaskedError, TransientLoadError
from connectors_dagster.files.private_files import private_files
from connectors_dagster.load.destination import damage, writer
from connectors_dagster.load.dlt_errors import is_transient, root_cause
from connectors_dagster.load.family_lock import family_lock

PACKAGES = ("normalize", "load")
"""The folders of a pipeline in which dlt keeps the packages that it extracted and normalized."""


@dataclass(frozen=True)
class Family:
    """A pipeline that this process alone uses.

    Args:
        pipeline: of the family.
        check: fails with a `TransientLoadError` if another process may have used the family meanwhile.
        folder: its files, in one folder for each pipeline; removed when the family is closed.
    """

    pipeline: dlt.Pipeline
    check: Callable[[], None]
    folder: Path

    def anew(self, *, knows: bool) -> "Family":
        """Return the family with a pipeline for its next load, in a folder of its own.

        `knows` is whether it begins with the tables as the present one has read them, although they are not loaded yet.

        Raises:
            LoadError: its files cannot be written.
        """
        old = Path(self.pipeline.working_dir)
        try:
            folder = _subfolder(self.folder)
            if knows:
                shutil.copytree(old, folder / old.name, ignore=shutil.ignore_patterns(*PACKAGES))
        except OSError as error:
            raise LoadError(f"{self.folder}: the files of the next load cannot be written: {error}") from None
        destination, dataset = self.pipeline.destination, str(self.pipeline.dataset_name)
        return replace(self, pipeline=_pipeline(destination, dataset, self.pipeline.pipeline_name, folder))

    def remove(self) -> None:
        """Remove the files of the pipeline, and what was kept beside them."""
        shutil.rmtree(self.pipeline.pipelines_dir, ignore_errors=True)

    @contextmanager
    def at_destination(self) -> Iterator[None]:
        """Do something at the destination, as its only writer where needed.

        Raises:
            DestinationBusyError: another process keeps it open; names it and the place.
            TransientLoadError: the lock of the family was lost, before this or meanwhile.
            LoadError: names the family and the cause.
        """
        self.pipeline.activate()
        with explained(self.pipeline.pipeline_name), writer(self.pipeline):
            self.check()
            yield
            self.check()


@contextmanager
def open_family(destination: AnyDestination, dataset: str, name: str, purpose: str) -> Iterator[Family]:
    """Make the pipeline of a family and keep other processes from it; its folder is removed afterwards.

    Args:
        destination: where it loads to.
        dataset: the name of the connector.
        name: the name of pipeline and dlt schema.
        purpose: what is done meanwhile; shown to those who wait.

    Raises:
        DestinationBusyError: another process still has it; names it.
        LoadError: its files cannot be written, or the database with the locks cannot be reached.
    """
    with private_files(), private_folder(work_subfolder("loads")) as folder, ExitStack() as lock:
        pipeline = _pipeline(destination, dataset, name, _subfolder(folder))
        with explained(name):
            check = lock.enter_context(family_lock(pipeline, purpose))
        yield Family(pipeline, check, folder)


def _subfolder(folder: Path) -> Path:
    return Path(mkdtemp(dir=folder))


def _pipeline(destination: Any, dataset: str, name: str, folder: Path) -> dlt.Pipeline:
    return dlt.pipeline(pipeline_name=name, pipelines_dir=str(folder), destination=destination, dataset_name=dataset)


@contextmanager
def explained(family: str) -> Iterator[None]:
    """Raise the errors of dlt, and those of a driver whose connection is lost, as those that people see."""
    try:
        yield
    except MaskedError:
        raise
    except Exception as error:
        transient = is_transient(error)
        if not transient and not isinstance(error, PipelineStepFailed | DltException):
            raise  # a bug
        cause = root_cause(error)
        if damaged := damage(cause):
            raise LoadError(damaged) from None
        kind = TransientLoadError if transient else LoadError
        raise kind(f"{family}: {cause}") from None
