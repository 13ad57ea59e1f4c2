"""An option that a resource may set, and otherwise has from its connector."""

from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast, overload

if TYPE_CHECKING:
    from connectors_dagster.spec.resource import Resource

T = TypeVar("T")


class Inherited(Generic[T]):
    """A property of `Resource`: the option of this name in its `ResourceOptions`, or else the one in its `Connector`.

    The value is found once per resource, so that it costs nothing to ask for it on each page.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        """Remember the name of the option."""
        self.name = name

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: "Resource", owner: type) -> T: ...
    def __get__(self, resource: "Resource | None", owner: type) -> "Self | T":
        """Find the value, and put it into the attributes of the resource, where it is found from then on."""
        if resource is None:
            return self
        own = getattr(resource.options, self.name)
        value = vars(resource)[self.name] = getattr(resource.connector, self.name) if own is None else own
        return cast(T, value)
