"""The LaTeX report as PDF, where a LaTeX engine is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from ..files import write_bytes

SECONDS = 180


class LatexError(RuntimeError):
    """LaTeX did not make a PDF; the message holds the end of its log."""


def engine() -> str | None:
    """The path of pdflatex, or None."""
    return shutil.which("pdflatex")


def compile_pdf(folder: Path) -> Path:
    """Compile ``report.tex`` of a written report, with its references, to ``report.pdf`` beside it.

    It runs in a folder of its own, so that no auxiliary file stays; nothing in the text can start a program.

    Raises
    ------
    LatexError: there is no engine, it fails, or it takes longer than ``SECONDS``.
    """
    latex, bibtex = engine(), shutil.which("bibtex")
    if latex is None:
        raise LatexError("no pdflatex on the PATH")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for file in ("report.tex", "report.bib"):
            shutil.copy(folder / file, work / file)
        (work / "figures").symlink_to((folder / "figures").resolve(), target_is_directory=True)
        command = [latex, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
        _run(command, work)
        if bibtex is not None:
            _run([bibtex, "report"], work)
            _run(command, work)
        _run(command, work)
        return write_bytes(folder / "report.pdf", (work / "report.pdf").read_bytes())


def _run(command: list[str], work: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise LatexError(f"{Path(command[0]).name} went on beyond {SECONDS} s") from error
    if done.returncode:
        tail = done.stdout.decode(errors="replace").strip().splitlines()[-12:]
        raise LatexError(f"{Path(command[0]).name} failed:\n" + "\n".join(tail))
