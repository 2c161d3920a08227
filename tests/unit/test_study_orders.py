"""The U-Net's batches hold the same images in every library: each script orders them alike."""

import re

import numpy as np
import pytest

from samebits_study.catalog import SCRIPTS, STUDIES

FUNCTION = re.compile(r"^def orders\(.*?(?=^\S)", re.DOTALL | re.MULTILINE)


@pytest.fixture(params=sorted(STUDIES["unet"].scripts.values()))
def orders(request):
    """The function of a script, without the libraries that the script imports."""
    names = {"np": np}
    exec(FUNCTION.search((SCRIPTS / request.param).read_text())[0], names)  # noqa: S102 - a script of this package
    return names["orders"]


def test_every_epoch_takes_each_image_once_in_an_order_of_its_own(orders):
    first, second = orders(50, 2, 2019)
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)


def test_the_order_is_that_of_the_seed_whatever_was_drawn_before(orders):
    expected = [1, 4, 3, 5, 6, 2, 0]
    np.random.random(3)  # as an initializer of Keras does
    assert orders(7, 1, 2019)[0].tolist() == expected
    assert orders(7, 1, 2020)[0].tolist() != expected
