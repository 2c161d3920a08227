"""Text from outside, made safe to show: names of files, points and arguments may hold any character."""


def printable(text: str) -> str:
    """The text with its lines kept; control characters, marks of direction and lone surrogates become escapes."""
    return "".join(c if c == "\n" or _is_shown(c) else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """The same as one line: a name with a newline in it cannot pass for a line of a report."""
    return "".join(c if _is_shown(c) else _escaped(c) for c in text)


def _is_shown(character: str) -> bool:
    return character.isprintable() and not "\ud800" <= character <= "\udfff"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
