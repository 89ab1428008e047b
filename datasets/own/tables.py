"""Tables from CSV, TSV and Parquet files."""

from __future__ import annotations

import csv

from ..errors import DataError
from .columns import Columns
from .spec import FileSpec


class TextTable(Columns):
    """A delimited text file.

    Raises
    ------
    DataError: another encoding, a row that is longer or shorter than the others, no data rows, a column name twice.
    """

    def __init__(self, spec: FileSpec, format_: str) -> None:
        path = spec.path
        delimiter = spec.delimiter or ("\t" if format_ == "tsv" else ",")
        names: list[str] = []
        rows: list[list[str]] = []
        self._lines: list[int] = []
        try:
            with path.open(encoding=spec.encoding, newline="") as stream:
                reader = csv.reader(stream, delimiter=delimiter)
                header = spec.header is not False
                for row in reader:
                    if not any(map(str.strip, row)) and (len(row) < 2 or len(row) != len(names)):
                        continue
                    if header and not names:
                        names = [name.strip() for name in row]
                        continue
                    if not names:
                        names = [""] * len(row)
                    if len(row) != len(names):
                        raise DataError(
                            f"{path}, line {reader.line_num}: {len(row)} cells where {len(names)} are expected; "
                            f"correct the line, or the delimiter (now {delimiter!r})"
                        )
                    rows.append(row)
                    self._lines.append(reader.line_num)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}: not {spec.encoding} text (byte {error.start}); set encoding, for instance to latin-1"
            ) from error
        except LookupError as error:
            raise DataError(f"{path}: encoding {spec.encoding!r} does not exist; use utf-8, latin-1, ...") from error
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}; correct the quotes or the encoding") from error
        if not rows:
            raise DataError(
                f"{path}: holds no data rows; write it again, or set header = false if its first line is data"
            )
        super().__init__(spec, _names(spec, names), list(zip(*rows, strict=True)))

    def place(self, row: int) -> str:
        """The line of the file."""
        return f"line {self._lines[row]}"


class ParquetTable(Columns):
    """A Parquet file; needs pyarrow."""

    def __init__(self, spec: FileSpec, format_: str) -> None:
        try:
            from pyarrow import ArrowException, parquet
        except ImportError as error:
            raise DataError(
                f"{spec.path}: reading Parquet needs pyarrow; install it with: pip install 'fusebench[parquet]'"
            ) from error
        try:
            table = parquet.read_table(spec.path)
        except (ArrowException, OSError) as error:
            raise DataError(f"{spec.path}: not a Parquet file that can be read ({error}); write it again") from error
        columns = []
        for name, column in zip(table.column_names, table.columns, strict=True):
            kind = str(column.type)
            if column.num_chunks and kind.startswith(("list", "struct", "map", "large_list", "fixed_size_list")):
                raise DataError(f"{spec.path}, column {name!r}: holds {kind}; a cell must be a number or a text")
            columns.append(column.to_numpy() if not column.null_count else column.to_pylist())
        if not table.num_rows:
            raise DataError(f"{spec.path}: holds no data rows; write it again")
        super().__init__(spec, _names(spec, table.column_names), columns)


def _names(spec: FileSpec, names: list[str]) -> list[str]:
    if spec.names:
        if len(spec.names) != len(names):
            raise DataError(f"{spec.path}: {len(names)} columns but {len(spec.names)} names; name each column once")
        return list(spec.names)
    if spec.header is True:
        return [name or f"x{i + 1}" for i, name in enumerate(names)]
    return [f"x{i + 1}" for i in range(len(names))]
