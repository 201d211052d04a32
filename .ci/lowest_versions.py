"""Print the lowest versions that pyproject.toml allows, of the package and what tests need, as constraints for pip."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
for requirement in [*project["dependencies"], *extras["test"], *extras["dask"]]:
    name, lowest = re.fullmatch(r"([\w-]+)>=([\w.]+)(?:,.*)?", requirement).groups()
    print(f"{name}=={lowest}")
