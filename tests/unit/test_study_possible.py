"""Which setups a study can run."""

import re
from types import SimpleNamespace

import pytest

from samebits.errors import NotFoundError
from samebits.options import REPORTS
from samebits_study import catalog, runs
from samebits_study.catalog import SETUPS, STUDIES
from samebits_study.results import SetupResult, StudyResult


@pytest.mark.parametrize("study", [STUDIES["lenet5"], STUDIES["unet"]], ids=["lenet5", "unet"])
def test_the_papers_studies_run_every_setup(study):
    assert catalog.runnable_setups(study) == list(SETUPS)


@pytest.fixture
def pytorch_alone():
    known = STUDIES["lenet5"]
    return type(known)(name="other", about="", data="digits", scripts={"pytorch": known.scripts["pytorch"]}, scales={})


def test_a_setup_without_a_script_for_its_library_cannot_be_run(pytorch_alone):
    said = "The study other has no script for Keras 2.3.1."
    assert catalog.why_not(pytorch_alone, SETUPS["keras-tf2.1"]) == said
    with pytest.raises(NotFoundError, match=re.escape(said)):
        runs.run_setup(SimpleNamespace(study=pytorch_alone), SETUPS["keras-tf2.1"], None)
    assert catalog.why_not(pytorch_alone, SETUPS["pytorch-1.3-glorot"]) == ""


def test_neither_can_one_that_starts_from_the_weights_of_a_library_without_script_or_of_unnamed_layers(pytorch_alone):
    assert catalog.why_not(pytorch_alone, SETUPS["pytorch-1.3"]) == (
        "The study other has no script for Keras 2.3.1, from whose initial weights pytorch-1.3 starts."
    )
    both = {**pytorch_alone.scripts, "keras2": STUDIES["lenet5"].scripts["keras2"]}
    without_layers = type(pytorch_alone)(name="other", about="", data="digits", scripts=both, scales={})
    assert "names no layers" in catalog.why_not(without_layers, SETUPS["pytorch-1.3"])


def test_an_option_that_a_script_does_not_name_is_told():
    scripts = {"pytorch": STUDIES["lenet5"].scripts["keras3"]}
    study = type(STUDIES["lenet5"])(name="other", about="", data="digits", scripts=scripts, scales={})
    assert catalog.why_not(study, SETUPS["pytorch-1.3-inverted"]) == (
        "lenet5_keras.py takes no --initial and no --inverted."
    )


def test_a_setup_whose_script_is_gone_gets_no_further_trials(tmp_path):
    """Trials of a different script prove nothing about the earlier ones. Complete setups are not asked."""
    command = ["env", "A=1", "python", str(tmp_path / "gone.py"), "--out", "x"]
    begun = SimpleNamespace(file=SimpleNamespace(command=command))
    work = SimpleNamespace(setup_folder=lambda setup: tmp_path / setup.id)
    with pytest.raises(NotFoundError, match=r"pytorch: its trials ran .*gone\.py, which is not there") as failed:
        runs._refuse_lost_script(work, SETUPS["pytorch"], begun)
    assert failed.value.advice == f"Remove {tmp_path / 'pytorch'}: the study runs pytorch again."
    (tmp_path / "gone.py").write_text("")
    runs._refuse_lost_script(work, SETUPS["pytorch"], begun)


@pytest.mark.parametrize(("setups", "status"), [(None, 0), (["pytorch", "keras-tf2.1"], 3)])
def test_setups_without_a_script_count_only_where_they_were_asked_for(
    setups, status, pytorch_alone, monkeypatch, tmp_path
):
    pytest.importorskip("matplotlib")
    from samebits_study import cli, conductor, output

    scripts = {"pytorch": "perceptron_pytorch.py"}
    (tmp_path / scripts["pytorch"]).write_text("")
    monkeypatch.setattr("samebits_study.catalog.SCRIPTS", tmp_path)
    monkeypatch.setitem(
        STUDIES, "other", type(pytorch_alone)(name="other", about="", data="", scripts=scripts, scales={})
    )
    done = {"pytorch", "pytorch-1.3-glorot"}
    found = [SetupResult(id=one, about="", status="done" if one in done else "skipped") for one in SETUPS]
    result = StudyResult(
        samebits="", study="other", scale="", created="", data={}, trials=2, epochs=1, arguments=[], setups=found
    )
    monkeypatch.setattr(conductor, "conduct", lambda *_: result)
    monkeypatch.setattr(output, "write", lambda *_: [])
    given = {"out": str(tmp_path), "scale": "", "setups": setups, "trials": None, "seeds": None, "data": None, "watershed": False,
             "on": "local", "each": None, **{option.name: None for option in REPORTS}}  # fmt: skip
    assert cli.run("other", **given) == status
