"""The comment of the GitHub action on a pull request, with a server on this machine instead of GitHub's API."""

import itertools
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "github_comment.py"
TOKEN = "ghs_ThisIsTheToken"
COMMENTS = "/repos/someone/nets/issues/7/comments"


class GitHub(ThreadingHTTPServer):
    """Holds the comments of pull request 7. `refuses`: the status of each answer. `sends_to`: redirects there."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.comments, self.writes, self.tokens, self.ids = [], [], [], itertools.count(1000)
        self.refuses, self.sends_to = 0, ""
        self.address = f"http://127.0.0.1:{self.server_port}"

    def add(self, body, kind="Bot"):
        self.comments.append({"id": next(self.ids), "body": body, "user": {"type": kind}})
        return self.comments[-1]


class Answer(BaseHTTPRequestHandler):
    """One request to the API."""

    def log_message(self, *_):
        pass

    def _answer(self, status, document, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def _is_let_in(self):
        self.server.tokens.append(self.headers.get("Authorization"))
        if self.server.refuses:
            self._answer(self.server.refuses, {"message": "Resource not accessible by integration"})
        elif self.server.sends_to:
            self._answer(302, {}, Location=self.server.sends_to + self.path)
        return not self.server.refuses and not self.server.sends_to

    def do_GET(self):
        if self._is_let_in():
            place = urlsplit(self.path)
            assert place.path == COMMENTS
            query = parse_qs(place.query)
            page, each = (int(query.get(name, [1])[0]) for name in ("page", "per_page"))
            self._answer(200, self.server.comments[(page - 1) * each : page * each])

    def _written(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]

    def do_POST(self):
        if self._is_let_in():
            assert self.path == COMMENTS
            self.server.writes.append("POST")
            self._answer(201, self.server.add(self._written()))

    def do_PATCH(self):
        if self._is_let_in():
            self.server.writes.append("PATCH")
            number = int(re.fullmatch(r"/repos/someone/nets/issues/comments/(\d+)", self.path)[1])
            (comment,) = [one for one in self.server.comments if one["id"] == number]
            comment["body"] = self._written()
            self._answer(200, comment)


@pytest.fixture
def github():
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def commented(github, tmp_path):
    """Function(verdict, ...) -> the output of the step, which never holds the token."""

    def run(verdict, sentence="3 trials, one model.", event=None, job="training", command="python train.py"):
        (tmp_path / "event.json").write_text(json.dumps(event or {"pull_request": {"number": 7}}))
        environment = {
            **os.environ,
            "GITHUB_API_URL": github.address,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "someone/nets",
            "GITHUB_RUN_ID": "12",
            "GITHUB_WORKFLOW": "tests",
            "GITHUB_JOB": job,
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "SAMEBITS_RUN": command,
            "SAMEBITS_TOKEN": TOKEN,
            "SAMEBITS_VERDICT": verdict,
            "SAMEBITS_SENTENCE": sentence,
        }
        done = subprocess.run([sys.executable, SCRIPT], env=environment, capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        assert (done.returncode, TOKEN in said, "Traceback" in said) == (0, False, False), said
        return said

    return run


def test_one_comment_is_written_and_changed_only_if_the_verdict_has_changed(github, commented):
    for verdict in ("repeated", "repeated", "diverged", "diverged", "inconclusive"):
        commented(verdict)
    assert github.writes == ["POST", "PATCH", "PATCH"]
    (comment,) = github.comments
    assert re.fullmatch(
        r"<!-- samebits [0-9a-f]{16} inconclusive -->\n\*\*samebits: inconclusive\*\* \(was: diverged\)\n\n"
        r"    3 trials, one model\.\n\n\[The run\]\(https://github\.com/someone/nets/actions/runs/12\)\n",
        comment["body"],
    )
    assert set(github.tokens) == {f"Bearer {TOKEN}"}
    assert TOKEN not in comment["body"]


def test_each_job_and_each_command_has_a_comment_of_its_own(github, commented):
    for more in ({}, {"job": "small"}, {"command": "python other.py"}, {}):
        commented("repeated", **more)
    assert github.writes == ["POST"] * 3


def test_the_comment_is_found_behind_many_others_and_a_person_cannot_forge_it(github, commented):
    commented("repeated")
    own = github.comments.pop()
    for _ in range(150):
        github.add("a review", "User")
    github.add(own["body"].replace("repeated", "diverged"), "User")
    github.comments.append({"id": 2000, "body": None, "user": None})
    github.comments.append(own)
    commented("repeated")
    assert github.writes == ["POST"]
    commented("diverged")
    assert github.writes == ["POST", "PATCH"]
    assert "**samebits: diverged**" in own["body"]


def test_what_a_program_names_cannot_become_markdown_or_a_command(github, commented):
    said = commented("diverged", "gradient of\n::error::x\n@someone <b> ``` [a](b)")
    (comment,) = github.comments
    assert "\n\n    gradient of ::error::x @someone <b> ``` [a](b)\n\n" in comment["body"]
    assert "::error::" not in said


@pytest.mark.parametrize(("status", "advice"), [(401, True), (403, True), (404, True), (500, False)])
def test_an_api_that_refuses_gives_a_warning_and_no_failure(github, commented, status, advice):
    github.refuses = status
    said = commented("diverged")
    assert said.startswith(f"::warning title=samebits::samebits could not comment: HTTP Error {status}: ")
    assert ("pull-requests: write" in said) is advice


def test_an_api_that_is_not_there_gives_a_warning(github, commented):
    github.address = "http://127.0.0.1:9"
    assert commented("diverged").startswith("::warning title=samebits::samebits could not comment: ")


def test_a_redirect_does_not_get_the_token(github, commented):
    with GitHub() as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        github.sends_to = other.address
        commented("repeated")
        other.shutdown()
    assert set(other.tokens) == {None}
    assert github.tokens[0] == f"Bearer {TOKEN}"


def test_without_a_pull_request_nothing_is_asked(github, commented):
    said = commented("repeated", event={"ref": "refs/heads/main"})
    assert "this is not a pull request" in said
    assert github.tokens == []
