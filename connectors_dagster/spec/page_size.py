"""Names of the parameters with which APIs let requests choose the number of rows of a page."""

NAMES = {"count", "first", "limit", "maxresults", "pagelength", "pagesize", "perpage", "rows", "size", "take", "top"}


def sets_page_size(parameter: str) -> bool:
    """Return whether a parameter is named like one that sets the page size, such as ``per_page`` or ``perPage``."""
    return parameter.lower().replace("_", "").replace("-", "") in NAMES
