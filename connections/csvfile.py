"""Tables that people take home."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r")
PORTION = 200  # rows that are sent together


def download(rows: Iterable[Iterable[Any]], name: str) -> StreamingHttpResponse:
    """The rows as the file `name`.csv, in portions as they come."""
    answer = StreamingHttpResponse(_written(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _written(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for number, cells in enumerate(rows, 1):
        writer.writerow([harmless(cell) for cell in cells])
        if number % PORTION == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def harmless(cell: Any) -> str:
    """A spreadsheet reads no cell as a formula."""
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
