"""The pipeline of a family: one at a time on this machine, in a private folder, and its turn at the destination."""

from collections.abc import Iterator
from contextlib import contextmanager

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from connectors_dagster.compat.dlt_internals import AnyDestination, DltException
from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.config.workdir import private_folder, work_subfolder
from connectors_dagster.errors import LoadError, TransientLoadError
from connectors_dagster.files.private_files import private_files
from connectors_dagster.load.destination import damage, writer
from connectors_dagster.load.dlt_errors import is_transient, root_cause


@contextmanager
def family_pipeline(destination: AnyDestination, dataset: str, family: str, purpose: str) -> Iterator[dlt.Pipeline]:
    """Make the pipeline of a family and keep other processes of this machine from it; its folder is removed afterwards.

    Args:
        destination: where it loads to.
        dataset: the name of the connector.
        family: the name of pipeline and dlt schema.
        purpose: what is done meanwhile; shown to those who wait.

    Raises:
        DestinationBusyError: another process still has it; names it.
        LoadError: its files cannot be written.
    """
    with (
        private_files(),
        exclusive_lock(work_subfolder("families") / f"{family}.lock", f"{purpose} {family}"),
        private_folder(work_subfolder("loads")) as folder,
    ):
        yield dlt.pipeline(
            pipeline_name=family, pipelines_dir=str(folder), destination=destination, dataset_name=dataset
        )


@contextmanager
def at_destination(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Do something at the destination, as its only writer where needed.

    Raises:
        DestinationBusyError: another process keeps it open; names it and the place.
        LoadError: names the family and the cause.
    """
    try:
        with writer(pipeline):
            yield
    except (PipelineStepFailed, DltException) as error:
        cause = root_cause(error)
        if damaged := damage(cause):
            raise LoadError(damaged) from None
        kind = TransientLoadError if is_transient(error) else LoadError
        raise kind(f"{pipeline.pipeline_name}: {cause}") from None
