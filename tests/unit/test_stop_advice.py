"""After Ctrl-C, samebits names a command that shows what was recorded, if there is one."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from samebits import interrupt, localization, noise, vary
from samebits.experiment import Progress
from samebits.interrupt import StopSignal
from samebits.launch.plan import Request
from samebits.model import Options


@pytest.fixture
def told(monkeypatch):
    """The advices that were set, each with whether it replaces an earlier one."""
    found = []
    monkeypatch.setattr(interrupt, "tell", lambda *, advice="", replace=False: found.append((advice, replace)))
    return found


@pytest.fixture
def request_(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    options = Options(metrics={"loss": "loss ([0-9.]+)"})
    return Request(command=["python", "train.py"], directory=tmp_path, options=options, out=tmp_path / "run")


def stopped(*_, **__):
    raise StopSignal


def test_before_the_base_of_vary_has_run_its_folder_is_not_named(told, request_, monkeypatch):
    monkeypatch.setattr(vary.Runs, "_run", stopped)
    with pytest.raises(StopSignal):
        vary.vary(request_, [], stopped)
    assert told == []


def test_the_folder_of_vary_is_named_as_soon_as_it_can_be_read(told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(vary, "write_document", lambda path, _: told.append(path))
    vary._written(SimpleNamespace(model_copy=lambda update: update), tmp_path / "run", 0.0)
    assert told == [tmp_path / "run" / vary.DOCUMENT, ("samebits report run", True)]


def test_before_the_first_seed_of_noise_has_run_its_folder_is_not_named(told, request_, monkeypatch):
    monkeypatch.setattr(noise.Trainings, "_trained", stopped)
    with pytest.raises(StopSignal):
        noise.noise(noise.NoiseRequest(request_), lambda _: nullcontext(Progress()))
    assert told == []


def test_a_stop_of_locate_names_the_record(told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(localization, "_cost", stopped)
    record = SimpleNamespace(folder=tmp_path / "first")
    with pytest.raises(StopSignal):
        localization.locate(record, SimpleNamespace(verdict="diverged", divergence=object()))
    assert told == [("samebits report first", False)]
