"""This project as people use it: the command line, all windows, a new project folder."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.answer import answer_table, arguments, chosen_shape, postgres, timed
from benchmarks.peers.settings import destination_settings, instance_settings, storefront_settings
from benchmarks.shapes import ORDERS
from benchmarks.task import END, START

OWN = "shop"
CONNECTOR = f"""\
from benchmarks.peers.shape_connector import build_connector
from benchmarks.shapes import BY_NAME

connector = build_connector({OWN!r}, BY_NAME[{{name!r}}])
"""


def main() -> None:
    """Load all rows, timed from the start of the program to its exit."""
    shape = chosen_shape()
    connector = "storefront" if shape == ORDERS else write_connector(shape.name)
    settings = storefront_settings(*arguments(), connector=connector) | destination_settings(postgres())
    names = [f"{connector}/{table}" for table in shape.tables]
    span = ["--missing"] if shape.again else ["--from", START.date().isoformat(), "--to", END.date().isoformat()]
    program = Path(sys.executable).parent / "connectors"
    environment = {**os.environ, **settings, **instance_settings()}
    with timed() as part:
        subprocess.run([program, "run", *names, *span], env=environment, check=True)
    answer_table(f"{connector}.{shape.table}", part=part)


def write_connector(shape: str) -> str:
    """Write a connector for a shape into the project, and return its name."""
    folder = Path("connectors")
    folder.mkdir(exist_ok=True)
    (folder / f"{OWN}.py").write_text(CONNECTOR.format(name=shape), encoding="utf-8")
    return OWN


if __name__ == "__main__":
    main()
