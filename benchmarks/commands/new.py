"""``fusebench new``: a first plugin to begin from."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import click

from fusebench.datasets.errors import DataError
from fusebench.methods.registry import method_registry

_METHOD = '''"""{title}: say in a sentence what it is for."""

from sklearn.linear_model import LogisticRegression

from fusebench.methods import FeatureBlocks, Method, MethodCard


class {cls}(Method):
    """Every modality imputed and scaled, side by side, then logistic regression: replace it with your idea."""

    card = MethodCard(
        name="{name}",
        title="{title}",
        family="other",
        fusion="early",
        summary="Logistic regression on all modalities side by side.",
        inferred="Our own; name the paper under `citation` when it follows one.",
    )

    def fit(self, samples, y):
        self.blocks_ = FeatureBlocks().fit(samples)
        self.model_ = LogisticRegression(max_iter=1000).fit(self.blocks_.concatenated(samples), y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, samples):
        return self.model_.predict_proba(self.blocks_.concatenated(samples))
'''

_NAME = re.compile(r"[a-z][a-z0-9]*([.-][a-z0-9]+)*")
_TAKEN = {"LogisticRegression", "FeatureBlocks", "Method", "MethodCard"}


@click.group(
    "new",
    epilog="""\b
Examples:
  fusebench new method my-fusion
  fusebench new method my-fusion --out plugins
""",
)
def new_command() -> None:
    """Write a first plugin to begin from."""


@new_command.command(
    "method",
    epilog="""\b
Examples:
  fusebench new method my-fusion
  fusebench check my_fusion.py
  fusebench run smoke --plugin my_fusion.py
""",
)
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="here",
    metavar="DIR",
    help="The folder for the file.",
)
def new_method(name: str, out: Path) -> None:
    """Write a working method of about 20 lines, which passes `fusebench check`.

    Existing files are never overwritten.
    """
    path = write_method(name, out)
    click.echo(f"wrote {path}\ncheck it:  fusebench check {path}\nrun it:    fusebench run smoke --plugin {path}")


def write_method(name: str, folder: Path) -> Path:
    """Write the plugin file of a method of that name, and give its path.

    Raises
    ------
    DataError: the name cannot be a method's name or is taken, or the file exists.
    """
    if not _NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot be a method's name; use lower-case letters, digits, dots and hyphens, "
            "beginning with a letter, as in late-mean"
        )
    registry = method_registry()
    if name in registry.names():
        raise DataError(f"a method called {name!r} exists already: {registry.get(name).path}")
    words = re.split(r"[.-]", name)
    cls = "".join(word.capitalize() for word in words)
    if keyword.iskeyword(cls) or cls in _TAKEN:
        cls += "Method"
    path = folder / f"{'_'.join(words)}.py"
    text = _METHOD.format(name=name, title=" ".join(words).capitalize(), cls=cls)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise DataError(f"{path} exists already and is left as it is; choose another name or another --out") from None
    return path
