"""How APIs name the fields and headers that say how long a list is, and whether it goes on.

Names are compared without case and punctuation, from their last dot or colon on.
"""

import re
from functools import lru_cache

ROWS = "items?|results?|records?|rows?|entr(?:y|ies)|elements?|objects?|hits?|data"
NEXT = re.compile(
    "(?:x?ms)?(?:loadmore|next(?:page|records|results|batch|set|link)?)"
    "(?:url|uri|link|href|cursor|cursormark|token|marker|offset|key|start|number)?"
    "|(?:x?ms)?continuation(?:token)?|resumptiontoken|lastevaluatedkey|scrollid"
)
CURSOR = re.compile("cursor|marker|offset|more|bookmark|continue|after|startingafter|pagetoken")
"""Names that mean the next page if nothing is known of the API's paging, and the current one or the rows elsewhere."""
MORE = re.compile(
    f"(?:has|is|are)?(?:more(?:{ROWS}|pages?)?(?:available|incollection)?|next(?:page)?|truncated)"
    "|exceededtransferlimit"
)
LAST = re.compile(f"done|(?:is)?last(?:page)?|eof|endof(?:stream|list|file|{ROWS})|nomore(?:{ROWS}|pages)?")
PAGES = re.compile("pages|(?:total|num|nb|numberof)pages|page(?:count|total|s)|lastpage|maxpage|of")
FIRST = re.compile("(?:is)?first(?:page)?")
HAS_PREVIOUS = re.compile("(?:has)?prev(?:ious)?(?:page)?")
PREVIOUS = re.compile("prev(?:ious)?(?:page)?(?:url|uri|link|href)?")
ESTIMATE = re.compile("estimated|approximate")
"""How names begin of numbers that an API does not vouch for."""
LEFT = re.compile(f"(?:{ROWS})?(?:remaining|left)")
IN_A_HEADER = re.compile(f"(?!.*(?:rate|limit|quota|request|retry|redirect)).*(?:total|count)(?:{ROWS}|count)?")
ABOUT_THE_LIST = re.compile(
    "links?|pag(?:e|ing|inat).*|.*meta(?:data)?|cursors?|.*info|hits|attributes|range"
    "|(?:search|list|query)?(?:results?|response|set)|counts?"
)
"""Objects about the list. The numbers in others count something else."""
YES, NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
MARKERS = ("after", "starting_after", "cursor", "token")
ADDRESSES = ("href", "url")


@lru_cache(maxsize=10_000)
def plain(name: str) -> str:
    """Return a name as it is compared."""
    return re.split("[.:@]", name)[-1].lower().translate({ord("_"): None, ord("-"): None, ord("$"): None})


@lru_cache(maxsize=1_000)
def counts_of(nouns: frozenset[str]) -> re.Pattern[str]:
    """Return the names for the number of all rows; `nouns` are names of the list, such as ``orders``."""
    rows = "|".join([ROWS, *(re.escape(noun) for noun in map(plain, nouns) if noun)])
    return re.compile(
        f"(?:(?:{rows})?total)?count|(?:{rows})?total|total(?:count|size|number|found|(?:{rows}))(?:count)?"
        f"|(?:nb|num|numberof)?(?:{rows})(?:total)?count|(?:nb|num|numberof)(?:{rows})|recordsfiltered|(?:num)?found|count(?:total|all)|(?:estimated|approximate)total(?:{rows})?"
    )
