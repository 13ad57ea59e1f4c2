"""The code location of daemon episodes: that of the package, with a bomb in each of its processes."""

import json
import os
from pathlib import Path

from connectors_dagster.definitions import defs
from tests.soak.bomb import Bomb

__all__ = ["BOMB", "defs"]

BOMB = "SOAK_BOMB"
"""The environment variable with the kind, number, signal and folder of the bomb."""
ARMED = "armed"
"""The file in the folder of the episode without which the bomb does nothing."""

if declared := os.environ.get(BOMB):
    kind, nth, signal, place = json.loads(declared)
    Bomb(kind=kind, nth=nth, signal=signal, folder=Path(place), target="group", trigger=Path(place, ARMED)).set()
