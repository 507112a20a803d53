"""Reads PDFs back for tests: what a person copies out of them, without the breaks of lines and long words."""

import io
import re

import pypdf

_PAGE_NUMBER = re.compile(r"sha256 of the report [0-9a-f]{64}\s*Page \d+ of \d+")


def reader(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    """Return the text of all pages in reading order, footers left out."""
    return "\n".join(_PAGE_NUMBER.sub("", page.extract_text()) for page in reader(pdf).pages)


def compact(text: str) -> str:
    """Return text on one line, as if no line had ended after a hyphen or inside a long word."""
    text = re.sub(r"[\u200b\u2060]\n?", "", text)
    return re.sub(r"([-–/]) ", r"\1", " ".join(text.split()))


def stands_alone(part: str, *, whole: str) -> bool:
    """Say whether a part stands in a compact text with no further digit before or behind it."""
    start = whole.find(part)
    while start >= 0:
        before, behind = whole[start - 1 : start], whole[start + len(part) : start + len(part) + 1]
        if not (before.isdigit() and part[:1].isdigit()) and not (behind.isdigit() and part[-1:].isdigit()):
            return True
        start = whole.find(part, start + 1)
    return False
