"""The command `connectors`: its group, and what all commands share."""

import sys
import traceback
from typing import Any

import click
from click.shell_completion import CompletionItem

from connectors_dagster.orchestration.paused_collector import paused_collector

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")


class Name(click.ParamType):  # type: ignore[type-arg]  # generic only in the newest versions of click
    """The name of a connector or resource, which the shell completes."""

    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002  # click's
        """List the shipped connectors, or the resources of the one that is typed."""
        from connectors_dagster.connectors import connector_names, load_connector

        connector, typed_slash, _ = incomplete.partition("/")
        names = connector_names()
        if typed_slash and connector in names:
            names = [str(resource) for resource in load_connector(connector).graph.values()]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


NAME = click.argument("name", type=Name())
NAMES = click.argument("names", metavar="[NAME]...", nargs=-1, type=Name())


class _PlainErrors(click.Group):
    """Prints errors that users can fix without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with paused_collector():
            from connectors_dagster.cli.terminal import end_with_error, log_as_configured

        try:
            log_as_configured()
            return super().invoke(ctx)
        except click.ClickException as error:
            end_with_error(error)
        except Exception as error:
            from connectors_dagster.cli.user_errors import explain

            if text := explain(error):
                end_with_error(click.ClickException(text))
            _end_if_secret()
            raise


@click.group(cls=_PlainErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="connectors_dagster")
def main() -> None:
    """Load REST APIs window by window, with dlt and Dagster.

    \b
    First steps:
      connectors demo                  load made-up rows from a sandbox
      connectors list --all            see which connectors there are
      connectors init woocommerce      give the settings of one, and try them
      connectors run woocommerce       load it
      connectors dev                   open the UI
    """


def _end_if_secret() -> None:
    """End the process if the traceback of the current error shows a secret, and print it masked."""
    from connectors_dagster.secrets.redaction import redact

    trace = traceback.format_exc()
    if (safe := redact(trace)) != trace:
        click.echo(safe, err=True)
        sys.exit(1)
