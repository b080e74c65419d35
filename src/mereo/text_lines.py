"""File names may hold anything: line breaks, control characters, bytes of no encoding. Here they become plain text."""

from typing import Any


def printable(text: str) -> str:
    """Any text as one line of valid Unicode: control characters and undecodable bytes as escapes.

    >>> printable("a\\nb\\udcff")
    'a\\\\nb\\\\udcff'
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def without_surrogates(content: Any) -> Any:
    """Plain values for JSON, in which undecodable bytes of file names (lone surrogates) are escapes.

    >>> without_surrogates({"image": ["a\\udcff.jpg", 3]})
    {'image': ['a\\\\udcff.jpg', 3]}
    """
    if isinstance(content, str):
        return content.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(content, dict):
        return {key: without_surrogates(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_surrogates(value) for value in content]
    return content
