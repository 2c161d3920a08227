"""Judges the records of a folder by a comparison whose sentences have different words, and prints the decisions.

python tests/other_words.py FOLDER
"""

import ast
import importlib.abc
import importlib.machinery
import json
import sys
from pathlib import Path

REWORDED = ("samebits.endings", "samebits.comparison.")
KEPT = "samebits.comparison.evidence."  # its patterns match what programs print


class OtherWords(ast.NodeTransformer):
    """Replaces each text that has a space, except regular expressions."""

    def visit_Call(self, node):
        return node if ast.unparse(node.func).startswith("re.") else self.generic_visit(node)

    def visit_Constant(self, node):
        is_sentence = isinstance(node.value, str) and " " in node.value
        return ast.copy_location(ast.Constant(f"xx {node.value[::-1]} xx"), node) if is_sentence else node


class Reworded(importlib.machinery.SourceFileLoader):
    def source_to_code(self, data, path, *, _optimize=-1):
        tree = ast.fix_missing_locations(OtherWords().visit(ast.parse(data)))
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    def get_code(self, fullname):  # never the compiled file
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if not fullname.startswith(REWORDED) or fullname.startswith(KEPT):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
            spec.loader = Reworded(fullname, spec.origin)
        return spec


def answers(folder):
    """The decision and the sentence for each record of a folder, by the name of the record."""
    from samebits.comparison import judge
    from samebits.store import open_record

    judged = {}
    for place in sorted(Path(folder).iterdir()):
        record = open_record(place)
        result = judge(record.file, record.trials)
        where = result.divergence and (result.divergence.step, result.divergence.kind, result.divergence.name)
        judged[place.name] = [result.verdict, result.reason_code, result.groups, where], result.sentence
    return json.loads(json.dumps(judged))


if __name__ == "__main__":
    sys.meta_path.insert(0, Finder())
    print(json.dumps(answers(sys.argv[1])))
