"""The U-Net's batches hold the same images in every library: each script orders them alike."""

import runpy

import numpy as np
import pytest

from samebits_study.catalog import SCRIPTS, STUDIES


@pytest.fixture
def orders():
    return runpy.run_path(str(SCRIPTS / "outcomes.py"))["orders"]


@pytest.mark.parametrize("script", sorted(STUDIES["unet"].scripts.values()))
def test_each_script_of_the_unet_orders_its_images_so(script):
    text = (SCRIPTS / script).read_text()
    assert "in enumerate(outcomes.orders(len(images), options.epochs, options.seed)" in text
    assert ("shuffle=False" in text) == ("keras" in script)


def test_every_epoch_takes_each_image_once_in_an_order_of_its_own(orders):
    first, second = orders(50, 2, 2019)
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)


def test_the_order_is_that_of_the_seed_whatever_was_drawn_before(orders):
    expected = [1, 4, 3, 5, 6, 2, 0]
    np.random.random(3)  # as an initializer of Keras does
    assert orders(7, 1, 2019)[0].tolist() == expected
    assert orders(7, 1, 2020)[0].tolist() != expected
