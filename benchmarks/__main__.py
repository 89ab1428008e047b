"""``python -m fusebench.benchmarks`` is the command line."""

from .cli import main

main()
