"""What the figures of a study show, and what is said where one cannot be made."""

import pytest

from samebits_study.reports import figures, measures
from samebits_study.results import WeightDistance


@pytest.fixture
def lenet5(documents):
    return documents.lenet5()


@pytest.fixture
def unet(documents):
    return documents.unet()


def by_id(figures):
    return {figure.id: figure for figure in figures}


def test_quartiles_are_interpolated_between_the_ordered_values():
    """Of 98.94, 98.96, 98.97, 98.97, 99.01, 99.02, 99.07 (Table 7): the median is the fourth, the quartiles lie half way
    between the second and third, and between the fifth and sixth."""
    values = [98.94, 98.96, 99.02, 98.97, 99.07, 99.01, 98.97]
    assert measures.quartiles(values) == pytest.approx((98.94, 98.965, 98.97, 99.015, 99.07))
    assert measures.quartiles([3.0]) == (3.0,) * 5


def test_figure_3_has_the_papers_rows_and_our_trials(lenet5):
    figure = by_id(figures.box_plots(lenet5))["3"]
    (paper_name, theirs), (our_name, ours) = figure.shows.panels
    assert (paper_name, our_name) == ("The paper", "This study")
    assert theirs[0].values == (98.94, 98.96, 99.02, 98.97, 99.07, 99.01, 98.97)
    assert ours[0].label == "keras-tf1.14"
    assert ours[0].values == pytest.approx((98.87, 98.87, 98.73))


def test_figure_3_names_the_setups_that_it_lacks(lenet5):
    assert "Not run: keras-tf2.1." in by_id(figures.box_plots(lenet5))["3"].notes


def test_a_setup_that_was_run_and_one_that_was_not_are_told_apart_where_a_box_is_missing(documents):
    nothing = documents.cells(None, undefined={"error_rate": "no cell in the ground truth"})
    result = documents.study("unet", [documents.setup("keras-tf2.1", [documents.model(1, "a", nothing)])])
    assert by_id(figures.box_plots(result))["2"].why == (
        "Figure 2 cannot be made. Not run: keras-tf1.14, pytorch-1.3. keras-tf2.1: no trial has a defined error rate."
    )


def test_panels_that_are_far_apart_have_axes_of_their_own_and_that_is_said(documents, lenet5):
    assert by_id(figures.box_plots(lenet5))["3"].shows.same_axis
    far = documents.study("lenet5", [documents.setup("keras-tf1.14", [documents.model(1, "a", documents.digits(900))])])
    figure = by_id(figures.box_plots(far))["3"]
    assert not figure.shows.same_axis
    assert "The two panels have different axes." in figure.notes


def test_trials_that_all_agree_stand_on_the_papers_axis(documents):
    same = documents.study("lenet5", [documents.setup("keras-tf2.1", [documents.model(1, "a", documents.digits(101))])])
    assert by_id(figures.box_plots(same))["3"].shows.same_axis


def test_figure_5_has_pytorch_from_equation_1_and_the_paper_gives_no_numbers_of_it(unet):
    figure = by_id(figures.box_plots(unet))["5"]
    (_, theirs), (_, ours) = figure.shows.panels
    assert [box.label for box in theirs] == ["Keras (TF v1.14)", "Keras (TF v2.1)"]
    assert [box.label for box in ours] == ["keras-tf1.14", "pytorch-1.3-glorot"]
    assert "The paper gives no numbers for its PyTorch models of this figure." in figure.notes
    (true,) = {model.cells.true_count for setup in unet.setups for model in setup.models}
    assert any(note.startswith(f"One cell is {100 / true:.2f} %.") for note in figure.notes)


def test_a_figure_without_a_trial_is_a_sentence(lenet5):
    nothing = lenet5.model_copy(update={"setups": [lenet5.setups[-1]]})
    figure = by_id(figures.box_plots(nothing))["3"]
    assert figure.shows is None
    assert figure.why == ("Figure 3 cannot be made. Not run: keras-tf1.14, keras-tf2.1, pytorch-1.3.")
    assert by_id(figures.box_plots(nothing))["setups"].why == "This figure cannot be made: no setup was run."
    assert figures.losses(nothing).why == "This figure cannot be made: no setup was run."
    assert figures.distances(nothing).why == "This figure cannot be made: no setup has two trials."


def test_validation_is_named_only_where_there_is_one(documents, lenet5):
    assert "Dashed: validation" in figures.losses(lenet5).caption
    one = documents.model(1, "a", documents.cells(5.0), validation_loss=[])
    assert "Dashed" not in figures.losses(documents.study("unet", [documents.setup("pytorch", [one])])).caption


def test_a_distance_of_zero_is_left_out_of_a_logarithmic_scale(lenet5):
    ((_, (line,)),) = figures.distances(lenet5).shows.panels
    assert (line.x, line.y) == ((1, 2), (1.25e-7, 0.0325))


def test_where_no_trials_part_there_are_no_distances_and_that_is_said(lenet5):
    same = lenet5.model_copy(update={"setups": lenet5.setups[1:3]})
    assert figures.distances(same).why == "This figure cannot be made: the trials of each setup gave the same model."


def test_distances_that_are_not_finite_are_not_drawn(documents, lenet5):
    broken = lenet5.setups[0].model_copy(
        update={"distances": [WeightDistance(trial=3, epochs=[1], relative=[float("nan")])]}
    )
    figure = figures.distances(lenet5.model_copy(update={"setups": [broken]}))
    assert figure.why == "This figure cannot be made: all known distances are 0 or not finite."


def test_losses_have_a_line_for_each_different_model(lenet5):
    panels = dict(figures.losses(lenet5).shows.panels)
    assert [line.dashed for line in panels["keras-tf1.14"]] == [False, True, False, True]
    assert panels["keras-tf1.14"][2].y == (2.0, 1.03)
    assert len(panels["pytorch-1.3"]) == 2
