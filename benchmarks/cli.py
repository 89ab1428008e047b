"""The command line: `fusebench`. Commands are imported when they are called, so that the first line shows at once."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from fusebench.datasets.errors import DataError, UnknownNameError

from .version import __version__

_COMMANDS = {
    "run": "run:run_command",
    "report": "report:report_command",
    "list": "list_:list_command",
    "show": "show:show_command",
    "status": "status:status_command",
    "check": "check:check_command",
    "new": "new:new_command",
    "validate": "validate:validate_command",
    "data": "data:data_command",
    "export": "export:export_command",
    "import": "import_:import_command",
    "merge": "merge:merge_command",
}


class _Commands(click.Group):
    """A group whose commands are imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        return getattr(importlib.import_module(f"fusebench.benchmarks.commands.{module}"), attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args and self.get_command(ctx, args[0]) is None:
                raise click.UsageError(str(UnknownNameError("command", args[0], _COMMANDS)), ctx) from error
            raise


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="""\b
Examples:
  fusebench run                      the survey, then its report
  fusebench run smoke                everything once, in a minute or two
  fusebench run --task my-task.toml  your own data
  fusebench list methods             what can be compared
""",
)
@click.version_option(__version__, prog_name="fusebench")
def group() -> None:
    """Compare ways of fusing multimodal data by accuracy, cost and calibration."""


def main(arguments: list[str] | None = None) -> Any:
    """The console command; errors a user can mend are one line, without a traceback."""
    try:
        return group.main(args=arguments, prog_name="fusebench")
    except (DataError, UnknownNameError) as error:
        click.secho(f"error: {error}", fg="red", err=True)
        sys.exit(2)
    except BrokenPipeError:  # the reader of a pipe has gone, as in `| head`
        sys.stderr.close()
        sys.exit(1)


if __name__ == "__main__":
    main()
