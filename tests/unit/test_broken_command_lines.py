"""Broken command lines of many kinds: each ends with exit status 2 and a sentence about what is wrong."""

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.cli import main
from samebits.options import ON, OPTIONS
from samebits_parity.options import OPTIONS as PARITY
from samebits_study.cli import OPTIONS as STUDY

COMMAND = ["--", "python", "-c", "pass"]


def words(text):
    """The words of a text: shorter to read than a list of strings."""
    return text.split()


NOT_NUMBERS = [*words("x 1e9 0x10 5.0 -- \u0663 NaN inf 1_000 one - + 5,0"), "", " ", "9" * 400]
NOT_TIMES = [*words("nonsense 0 -5 0s 5x h 1h30 nan inf 1e3 -- 400d 1:30"), "", "5 parsecs", "9" * 300]
NOT_METRICS = [
    *words(r"accuracy =x accuracy= a=( a=[ a=* a=(?P<n a=) a=(a)(b) a=\ a=x{2,1} a=(?z) = a=(?<=a+)b"),
    "",
    " =x",
]
NOT_NAMES = [
    *words("nope STRICT torch_seed numpy-seed,torch-seed * ../x code4 \u00ff - none! 0"),
    "",
    " ",
    "strict ",
    "\t",
]
NOT_NAMES += ["a" * 300]
NOT_OPTIONS = words("--nope --trial -x --n --jsn --Trials -N --no-full --step --strictly --quiet -v")
NOT_COMMANDS = words("chek locate explain ops vary parity attest study run train.py python CHECK - reports")
NOT_COMMANDS += [""]
LATIN = os.fsdecode(b"caf\xe9")  # as Python reads an argument that is not UTF-8

# a kind of broken input -> (words, what the message must name); {tmp} is a folder that the test fills
NUMBERS = [
    *((["check", "-n", text, *COMMAND], "--trials") for text in [*NOT_NUMBERS, "0", "-3", "1", "1000", "1000000000"]),
    *((["check", "--steps", text, *COMMAND], "--steps") for text in [*NOT_NUMBERS, "0", "-1"]),
    *((["check", "--jobs", text, *COMMAND], "--jobs") for text in ["0", "-1", "1000", "many"]),
    *((["check", "--seed", text, *COMMAND], "--seed") for text in ["-1", "4294967296", "now", ""]),
    *((["record", "--ok-exit", text, *COMMAND], "--ok-exit") for text in ["-1", "256", "zero"]),
    *((["check", "--add", text, "{tmp}/record"], "--add") for text in ["0", "-1", "x", "1000"]),
]
TIMES = [
    *((["check", "--budget", text, *COMMAND], "--budget") for text in NOT_TIMES),
    *((["check", "--timeout", text, *COMMAND], "--timeout") for text in NOT_TIMES),
]
METRICS = [(["check", "--metric", text, *COMMAND], "--metric") for text in NOT_METRICS]
NAMES = [
    *((["check", "--control", text, *COMMAND], text.strip() or "--control") for text in NOT_NAMES),
    *((["check", "--preset", text, *COMMAND], text.strip() or "--preset") for text in NOT_NAMES),
    *((["check", "--env", text, *COMMAND], text.strip() or "--env") for text in NOT_NAMES),
    *((["env", "create", text], text.strip() or "NAME") for text in ["nope", "", " ", "pytorch-9"]),
    *((["data", "get", text], text.strip() or "NAME") for text in ["nope", "", " ", "MNIST2"]),
]
FILES = words(
    "text empty garbage folder missing missing/python not-executable dangling fails chatters other-json"
    " unreadable-shebang text/python loop no-shebang"
)
INTERPRETERS = [
    *((["check", "--python", "{tmp}/" + name, *COMMAND], name.split("/")[0]) for name in FILES),
    *(
        (["check", "--python", path, *COMMAND], path)
        for path in ["/etc/passwd", "/bin/true", "/proc", "/dev/null", "no-python-9f3c"]
    ),
    (["check", "--python", "", *COMMAND], "--python"),
    (["check", "--python", "{tmp}/text", "--env", "pytorch-1.3", *COMMAND], "--env"),
]
TARGETS = [
    *(
        (["check", option, "{tmp}/" + place, *COMMAND], option)
        for option in ["--json", "--html", "--md", "--junit"]
        for place in ["missing/x", "folder", "text/x", "missing/a/b", "folder/"]
    ),
    *(
        (["report", "{tmp}/record", option, "{tmp}/" + place], option)
        for option in ["--json", "--html", "--md", "--junit"]
        for place in ["missing/x", "folder", "text/x"]
    ),
    (["report", "{tmp}/record", "--json", "-", "--md", "-"], "standard output"),
    (["report", "{tmp}/record", "--html", ""], "--html"),
]
FOLDERS = [
    *(
        (["check", "--out", "{tmp}/" + place, *COMMAND], place.split("/")[0])
        for place in ["text", "text/x", "text/x/y", "garbage", "empty/x", "dangling/x", "full"]
    ),
    *(
        (["record", "--out", "{tmp}/" + place, *COMMAND], place.split("/")[0])
        for place in ["text", "text/x", "loop/x", "record"]
    ),
    *(
        (["check", "--out", path, *COMMAND], path)
        for path in ["/dev/null", "/dev/null/x", "/etc/passwd", "/proc/nope/x"]
    ),
    (["check", "--out", "{tmp}/full", "--overwrite", *COMMAND], "full"),
    (["check", "--out", "{tmp}/" + "x" * 300, *COMMAND], "xxx"),
    (["check", "--out", "", *COMMAND], "--out"),
]
COMMANDS = [
    *(
        (line, "command")
        for line in (
            ["check"],
            ["check", "--"],
            ["record"],
            ["record", "--"],
            ["check", "-n", "3"],
            ["check", "--full", "--"],
            ["check", "--against", "{tmp}/record"],
        )
    ),
    *(
        (["check", "--", program], program)
        for program in words(
            "nope-9f3c /nope/python ./train.sh {tmp}/not-executable {tmp}/folder {tmp}/missing {tmp}/dangling"
        )
    ),
    (["check", "--", ""], "command"),
    *(([word], word or "command") for word in NOT_COMMANDS),
    *((["check", word, *COMMAND], word) for word in NOT_OPTIONS),
    *((line, line[0]) for line in (["env", "remove"], ["data", "list"])),
    *((line, "There is no record last") for line in (["report"], ["fix"], ["compare"], ["compare", "{tmp}/record"])),
]
NOT_UTF8 = [(line, "caf\\xe9") for line in ([LATIN], ["check", "--", "python", LATIN], ["compare", LATIN, LATIN])]
TOGETHER = [
    *(
        (["check", "--add", "2", "{tmp}/record", *more], "--add")
        for more in (COMMAND, ["--out", "x"], ["--overwrite"], ["--against", "{tmp}/record"], ["train.py"])
    ),
    *((["check", "--add", *line], "--add") for line in ([], ["2"], ["{tmp}/record"], ["x", "y"])),
    *(
        ([command, "{tmp}/record", "--out", "x"], "is a record: the options stand before it")
        for command in ("explain", "locate", "why", "ops", "noise")
    ),
    *(
        (["vary", "--factor", f"{factor}=1,\u00b2", *COMMAND], factor)
        for factor in ("cpu-load", "threads", "hash-seed")
    ),
    *(
        (["check", "--add", "2", place], place.split("/")[-1])
        for place in ["{tmp}/folder", "{tmp}/missing", "{tmp}/text"]
    ),
    *(
        (["check", "--against", place, *COMMAND], place.split("/")[-1])
        for place in ["{tmp}/folder", "{tmp}/missing", "{tmp}/text"]
    ),
    (["compare", "{tmp}/record", "{tmp}/record"], "twice"),
    (["compare", "{tmp}/record", "{tmp}/folder"], "folder"),
    (["check", "--metric", "a=(x)", "--metric", "a=(y)", *COMMAND], "--metric a"),
]


KINDS = {
    "numbers": NUMBERS,
    "times": TIMES,
    "metrics": METRICS,
    "names": NAMES,
    "interpreters": INTERPRETERS,
    "targets": TARGETS,
    "folders": FOLDERS,
    "commands": COMMANDS,
    "not UTF-8": NOT_UTF8,
    "together": TOGETHER,
}
ALL = [
    pytest.param(line, named, id=f"{kind}-{n}")
    for kind, lines in KINDS.items()
    for n, (line, named) in enumerate(lines)
]


@pytest.fixture(scope="session")
def broken(tmp_path_factory, writing):
    """A folder with files that are not what the command line takes them for."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "folder").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "thesis.tex").write_text("mine")
    for name, content in {
        "text": "text\n",
        "empty": "",
        "garbage": "\x7fELF garbage",
        "no-shebang": "\x00\x01",
    }.items():
        (folder / name).write_text(content)
        (folder / name).chmod(0o755)
    (folder / "not-executable").write_text("#!/bin/sh\n")
    (folder / "not-executable").chmod(0o644)
    scripts = {"fails": "exit 3", "chatters": "echo Python 3.11.0", "other-json": "echo '{\"samebits\": 5}'"}
    for name, line in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    (folder / "unreadable-shebang").write_text("#!/nope/python\n")
    (folder / "unreadable-shebang").chmod(0o755)
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder / "loop")
    writing.record(folder / "record", [writing.training(), writing.training()])
    return folder


@pytest.fixture
def refused(broken, capsys, monkeypatch, tmp_path):
    """Function(words, named): the command line is refused with a sentence that names the thing."""
    monkeypatch.chdir(tmp_path)

    def check(words, named):
        words = [word.replace("{tmp}", str(broken)) for word in words]
        status = main(words)
        said = capsys.readouterr()
        assert_refused(status, said.out, said.err, named)
        assert list(tmp_path.iterdir()) == []  # nothing was begun

    return check


def assert_refused(status, out, err, named):
    assert status == 2, (out, err)
    assert "Traceback" not in out + err
    assert "samebits-error-" not in err, err  # an error that was foreseen
    assert err.startswith(("samebits: ", "Usage: ")), err
    assert len(err.splitlines()[0]) > len("samebits: ") + 5
    assert named.replace("{tmp}/", "") in err, err
    assert out == ""


@pytest.mark.parametrize(("words", "named"), ALL)
def test_a_broken_command_line_gets_a_sentence_and_exit_status_2(refused, words, named):
    refused(words, named)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    option=st.sampled_from(["-n", "--steps", "--seed", "--budget", "--timeout", "--jobs", "--ok-exit"]),
    text=st.text(st.characters(exclude_categories=["Cs", "Nd"], exclude_characters="smhd\0"), max_size=20),
)
def test_no_text_without_a_digit_is_a_number(option, text, capsys):
    status = main(["check", option, text, *COMMAND])
    said = capsys.readouterr()
    assert_refused(status, said.out, said.err, "--" if option != "-n" else "--trials")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.sampled_from(words("check report -n --steps --json - --add --metric 0 x= --control nope = --out")),
        max_size=6,
    )
)
def test_no_jumble_of_words_gives_a_traceback(words, capsys):
    status = main(words)
    said = capsys.readouterr()
    assert_refused(status, said.out, said.err, "")


AS_PROCESSES = [NUMBERS[0], (["check", "--", "python", b"caf\xe9.py"], "caf\\xe9.py")]


@pytest.mark.parametrize(("words", "named"), AS_PROCESSES)
def test_a_real_process_says_the_same(broken, tmp_path, words, named):
    words = [word.replace("{tmp}", str(broken)) if isinstance(word, str) else word for word in words]
    done = subprocess.run([sys.executable, "-m", "samebits", *words], cwd=tmp_path, capture_output=True, check=False)
    assert_refused(done.returncode, done.stdout.decode(), done.stderr.decode(), named)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["fix", "--on", "ray", "r"], "samebits fix takes no --on: --apply runs trials where those of the record ran."),
        (["parity", "init", "--each", "num_gpus=1"], "samebits parity init takes no --each: it runs on this machine."),
        (["report", "--spread", "same", "r"], "samebits report takes no --spread: it runs on this machine."),
        (["slurm", "--on", "ray", "--", "sbatch"], "samebits slurm takes no --on: its job runs where Slurm starts it."),
    ],
)
def test_a_command_without_a_host_says_where_it_runs_and_names_those_that_take_one(capsys, words, what):
    assert main(words) == 2
    said = capsys.readouterr().err
    assert what in said
    assert (
        "check, why, record, explain, locate, ops, vary, noise, versus, study and parity train can run trials" in said
    )


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["compare", *"rst"], "samebits compare [OPTIONS] [RECORD] [RECORD] (more: samebits compare --help)"),
        (["report", "r", "s"], "samebits report [OPTIONS] [RECORD] (more: samebits report --help)"),
        (["parity", "train"], "samebits parity train [OPTIONS] A B (more: samebits parity train --help)"),
        (["report", "--foo", "r"], "samebits report --help"),
    ],
)
def test_a_command_with_too_few_or_too_many_arguments_says_which_it_takes(capsys, words, usage):
    assert main(words) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"   do this  {usage}"


def test_the_commands_that_take_a_host_are_those_that_are_named():
    takes = [name for name, options in {**OPTIONS, **PARITY, **STUDY}.items() if ON in options]
    assert " ".join(sorted(takes)) == "check explain locate noise ops parity train record study vary versus why"
