"""The examples of docs/bulk-jobs.md answer what the page says."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from tests.bulkjobs.test_jobs import done
from tests.factories import Hub

PAGE = Path(__file__).parents[2] / "docs" / "bulk-jobs.md"
EXAMPLE = re.compile(
    r"^`(?P<operation>[A-Z]+)`, (?P<entity>customers|events)(?: of type `(?P<type>\w+)`)?"
    r".*?```csv\n(?P<file>.*?)```\n\n```csv\n(?P<results>.*?)```",
    re.DOTALL | re.MULTILINE,
)


def test_every_example_answers_what_the_page_says(hub: Hub) -> None:
    examples = list(EXAMPLE.finditer(PAGE.read_text()))
    assert len(examples) == 5
    for example in examples:
        fields = {"entity": example["entity"].removesuffix("s").upper()}
        if example["type"]:
            fields["eventType"] = example["type"]
        rows = done(hub, example["file"], example["operation"], **fields)
        expected = list(csv.DictReader(io.StringIO(example["results"])))
        assert len(rows) == len(expected)
        for row, expectation in zip(rows, expected, strict=True):
            for column, value in expectation.items():
                # A star: something the page cannot know.
                assert row[column] if value == "*" else row[column] == value, (row, expectation)
