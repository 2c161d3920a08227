"""The comment of the GitHub action (`action.yml`) on a pull request. It is written only if the verdict has changed.

The step that runs this has the token; the step that trains does not. The API:
https://docs.github.com/en/rest/issues/comments
"""

import hashlib
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from github_action import LEVELS, annotate, one_line

EACH = 100  # comments on a page of the API
SECONDS = 30  # for one answer of the API
NEEDS = "The job needs `permissions: {pull-requests: write}`. In a pull request from a fork, the token can only read."


def main() -> int:
    """Write the comment, or change it. Return 0 also if the API refuses: the check has its own exit status."""
    number = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_bytes()).get("pull_request", {}).get("number")
    if number is None:
        annotate("notice", "samebits wrote no comment: this is not a pull request.")
        return 0
    try:
        _write(int(number))
    except (OSError, ValueError) as why:  # HTTPError is an OSError; its text holds no header
        more = f" {NEEDS}" if isinstance(why, urllib.error.HTTPError) and why.code in (401, 403, 404) else ""
        annotate("warning", f"samebits could not comment: {one_line(why)}.{more}")
    return 0


def _write(number: int) -> None:
    repository, verdict = f"/repos/{os.environ['GITHUB_REPOSITORY']}", os.environ["SAMEBITS_VERDICT"]
    if verdict not in LEVELS:
        raise ValueError(f"there is no verdict {verdict!r}")
    names = [os.environ.get(name, "") for name in ("GITHUB_WORKFLOW", "GITHUB_JOB", "SAMEBITS_RUN")]
    mark = f"<!-- samebits {hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]} "
    old = _comment(f"{repository}/issues/{number}/comments", mark)
    was = old["body"][len(mark) :].partition(" ")[0] if old else None
    if was == verdict:
        print(f"The comment already says {verdict}.")
        return
    body = {"body": _body(mark, verdict, was)}
    if old:
        _ask(f"{repository}/issues/comments/{old['id']}", "PATCH", body)
    else:
        _ask(f"{repository}/issues/{number}/comments", "POST", body)


def _comment(address: str, mark: str) -> dict[str, object] | None:
    """Return the comment of an earlier run. Only a bot's counts, because anybody can write the mark."""
    page, rows = 1, [None] * EACH
    while len(rows) == EACH:
        rows = _ask(f"{address}?per_page={EACH}&page={page}")
        for row in rows:
            if (row.get("user") or {}).get("type") == "Bot" and str(row.get("body")).startswith(mark):
                return row
        page += 1
    return None


def _body(mark: str, verdict: str, was: str | None) -> str:
    """Return the text. The sentence holds names from the program, so it stands as code, which mentions nobody."""
    place = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(os.environ)
    before = f" (was: {was})" if was in LEVELS else ""
    sentence = one_line(os.environ.get("SAMEBITS_SENTENCE", ""))
    return f"{mark}{verdict} -->\n**samebits: {verdict}**{before}\n\n    {sentence}\n\n[The run]({place})\n"


def _ask(address: str, method: str = "GET", document: object = None) -> list[dict[str, object]]:
    """Return the answer of the API. The token goes only to the API, not to an address that it redirects to."""
    data = None if document is None else json.dumps(document).encode()
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    request = urllib.request.Request(os.environ["GITHUB_API_URL"] + address, data, headers, method=method)
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['SAMEBITS_TOKEN']}")
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
