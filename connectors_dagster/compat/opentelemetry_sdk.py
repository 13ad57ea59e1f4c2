"""The part of OpenTelemetry's SDK that reads environment variables: a base class for those who distribute the SDK."""

from opentelemetry.sdk._configuration import _OTelSDKConfigurator

__all__ = ["configure_sdk"]


class _Configurator(_OTelSDKConfigurator):
    """The SDK asks for a class of one's own."""


def configure_sdk() -> None:
    """Make the providers, exporters and samplers that the environment names (`_OTelSDKConfigurator`).

    Raises:
        RuntimeError: an exporter that is named is not installed, or an option is wrong.
        OSError: the port of the Prometheus exporter is in use.
    """
    _Configurator().configure()  # type: ignore[no-untyped-call]  # has no types
