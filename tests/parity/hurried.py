"""The process of this project with airbyte-cdk, without its waits between retries; it runs where airbyte-cdk is."""

import runpy
import time
from pathlib import Path

CHILD = Path(__file__).parents[2] / "connectors_dagster" / "cdk" / "child.py"
LONGEST_WAIT = 0.01
really_sleep = time.sleep

if __name__ == "__main__":
    time.sleep = lambda seconds: really_sleep(min(seconds, LONGEST_WAIT))
    runpy.run_path(str(CHILD), run_name="__main__")
