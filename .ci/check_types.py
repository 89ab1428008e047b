"""Check the types of all rooms with mypy: ``python .ci/check_types.py [mypy's own arguments]``.

The rooms stand at the repository's root but are imported as ``fusebench.*``, and mypy follows neither setuptools'
``package-dir`` nor its editable finder. So it is shown a temporary tree of links that looks like the installed package.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOMS = ("datasets", "methods", "benchmarks", "reports")
ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Run mypy over the four rooms and give its exit status; messages name the files as they lie in the repository."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "fusebench"
        package.mkdir()
        for room in ROOMS:
            (package / room).symlink_to(ROOT / room, target_is_directory=True)
        command = [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            str(ROOT / "pyproject.toml"),
            "--cache-dir",
            str(ROOT / ".mypy_cache"),
        ]
        for room in ROOMS:
            command += ["-p", f"fusebench.{room}"]
        run = subprocess.run(
            [*command, *arguments], cwd=folder, env={**os.environ, "MYPYPATH": folder}, capture_output=True, text=True
        )
    sys.stdout.write(run.stdout.replace("fusebench/", ""))
    sys.stderr.write(run.stderr)
    return run.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
