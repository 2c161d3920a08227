"""Model cards by content: their tags are a set, and all other lines have an order."""

import pytest

CARD = """\
---
library_name: transformers
tags:
- trl
- dpo
datasets:
- b
- a
---

# Card

tags:
- two
- one
"""


@pytest.fixture
def card(read_file, tmp_path):
    """Function(text, name="README.md") -> the digest of a text that is read."""

    def written(text, name="README.md"):
        path = tmp_path / name
        path.write_text(text)
        file = read_file(path)
        assert (file.format, file.error) == ("text", None)
        return file.lines.raw, file.parts[""].digest

    return written


def test_the_tags_of_a_model_card_have_no_order(card):
    assert card(CARD) == card(CARD.replace("- trl\n- dpo\n", "- dpo\n- trl\n"))
    assert card(CARD) != card(CARD.replace("- dpo\n", "- sft\n"))


@pytest.mark.parametrize(("old", "new"), [("- b\n- a\n", "- a\n- b\n"), ("- two\n- one\n", "- one\n- two\n")])
def test_all_other_lines_of_a_model_card_have_an_order(card, old, new):
    assert card(CARD) != card(CARD.replace(old, new))


@pytest.mark.parametrize("text", ["---\ntags:\n- b\n- a", "# Read me\ntags:\n- b\n- a\n", ""])
def test_a_text_without_metadata_is_any_text(card, text):
    assert card(text) == card(text, "notes.md")
