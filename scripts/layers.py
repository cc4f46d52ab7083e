#!/usr/bin/env python3
"""Reads the imports of each Rust crate, and fails on an upward import through the layers of scripts/layers.toml,
on a circle between files, and when it read nothing.

    scripts/layers.py [--table FILE] [--root FOLDER] [CRATE ...]

An import is a `use` or a path that begins with `crate`, `self`, `super` or a child module. A name that a module
only hands on (`pub use`) counts as an import of the file that defines it. A module may use what its parent's file
defines, and the other way round: that alone is no circle."""

import argparse
import collections
import dataclasses
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
IDENTIFIER = r"[A-Za-z_]\w*"
# Comments, strings and characters, whose text is no code. A lifetime is no character.
NOT_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'""", re.DOTALL
)
CONDITION = re.compile(r"#\[cfg\(([^\]]*)\)\]")
ATTRIBUTES = re.compile(r"(?:\s*#\[[^\]]*\])*\s*")
USE = re.compile(r"(?P<shared>\bpub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
CHILD = re.compile(rf"\bmod\s+({IDENTIFIER})\s*;")
INLINE = re.compile(rf"\bmod\s+({IDENTIFIER})\s*{{")
PATH = re.compile(rf"(?<![\w:])\$?(?:crate|self|super|{IDENTIFIER})(?:\s*::\s*{IDENTIFIER})+")
ITEM = re.compile(rf"\b(?:fn|struct|enum|union|trait|type|const|static|macro_rules!)\s+(?:mut\s+)?({IDENTIFIER})")


def blank(match):
    """As many blanks as there was text, so that lines keep their numbers."""
    return re.sub(r"[^\n]", " ", match.group())


def end_of_block(text, start):
    """Just behind the brace that closes the one at `start`."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    raise ValueError("a brace is not closed")


def end_of_item(text, start):
    """Just behind the item that begins at `start`: its semicolon, or its block."""
    found = re.compile(r"[;{]").search(text, start)
    if not found:
        return len(text)
    if found.group() == ";":
        return found.end()
    return end_of_block(text, found.start())


def leaves(tree, prefix=()):
    """The paths of a use tree, each with the name that it gets here; `*` is the name of a glob."""
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    steps = [step.strip() for step in head.split("::") if step.strip()]
    if not brace:
        path, _, name = tree.partition(" as ")
        steps = [step.strip() for step in path.split("::")]
        if steps[-1] == "self" and prefix + tuple(steps[:-1]):
            steps.pop()
        whole = (*prefix, *steps)
        yield whole, name.strip() or whole[-1]
        return
    depth, part = 0, ""
    for letter in rest[: rest.rindex("}")] + ",":
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            if part.strip():
                yield from leaves(part, (*prefix, *steps))
            part = ""
        else:
            part += letter


def is_for_tests(condition):
    """Whether a cfg() asks for tests or fuzzing; not(test) does not."""
    return re.search(r"\b(test|fuzzing)\b", re.sub(r"\bnot\s*\([^()]*\)", "", condition)) is not None


@dataclasses.dataclass
class Module:
    """A file: what it defines, what it hands on, and what it imports, as paths from the crate's root."""

    path: tuple
    file: pathlib.Path
    is_root_of_folder: bool
    items: set = dataclasses.field(default_factory=set)
    children: set = dataclasses.field(default_factory=set)
    names: dict = dataclasses.field(default_factory=dict)
    globs: list = dataclasses.field(default_factory=list)
    imports: list = dataclasses.field(default_factory=list)
    tests: set = dataclasses.field(default_factory=set)

    def read(self):
        text = NOT_CODE.sub(blank, self.file.read_text())
        if re.search(r"#\[path\b", text):
            raise ValueError(f"{self.file}: a module with a #[path] cannot be followed")
        text = self.without_tests(text)
        self.children = set(CHILD.findall(text)) | self.tests
        self.items = set(ITEM.findall(text))
        text = self.read_inline_modules(text, self.path)
        self.read_code(text, self.path, 0)
        return self

    def without_tests(self, text):
        for found in CONDITION.finditer(text):
            if not is_for_tests(found.group(1)):
                continue
            start = ATTRIBUTES.match(text, found.end()).end()
            end = end_of_item(text, start)
            self.tests |= set(CHILD.findall(text[start:end]))
            text = text[: found.start()] + re.sub(r"[^\n]", " ", text[found.start() : end]) + text[end:]
        return text

    def read_inline_modules(self, text, path):
        """Takes out the modules that have their code in this file, and reads each."""
        while found := INLINE.search(text):
            end = end_of_block(text, found.end() - 1)
            inner = re.sub(r"[^\n]", " ", text[: found.end()]) + text[found.end() : end - 1]
            inside = (*path, found.group(1))
            self.items.add(found.group(1))
            self.read_code(self.read_inline_modules(inner, inside), inside, len(inside) - len(self.path))
            text = text[: found.start()] + re.sub(r"[^\n]", " ", text[found.start() : end]) + text[end:]
        return text

    def read_code(self, text, path, depth):
        for use in USE.finditer(text):
            self.read_use(use, text.count("\n", 0, use.start("tree")) + 1, path, depth)
        rest = USE.sub(blank, text)
        for found in PATH.finditer(rest):
            steps = tuple(re.split(r"\s*::\s*", found.group().lstrip("$")))
            # A name that a `use` brought in begins where that one pointed to.
            known = (*self.names[steps[0]], *steps[1:]) if steps[0] in self.names else None
            absolute = known or self.absolute(steps, path)
            if absolute:
                self.imports.append((absolute, rest.count("\n", 0, found.start()) + 1, "::".join(steps)))

    def read_use(self, use, line, path, depth):
        for steps, name in leaves(use.group("tree")):
            absolute = self.absolute(steps, path)
            if not absolute:
                continue
            if depth == 0 and name == "*":
                self.globs.append(absolute[:-1])
            elif depth == 0:
                self.names[name] = absolute
            # A re-export is used by the modules that import it from here.
            if not use.group("shared"):
                self.imports.append((absolute, line, "::".join(steps)))

    def absolute(self, steps, path):
        """The path from the crate's root; none for another crate's."""
        first, rest = steps[0], steps[1:]
        if first == "crate":
            return rest
        if first in ("self", "super"):
            base = path
            while steps and steps[0] in ("self", "super"):
                base = base[:-1] if steps[0] == "super" else base
                steps = steps[1:]
            return (*base, *steps)
        return (*path, *steps) if first in self.children else None


class Crate:
    def __init__(self, folder, table):
        self.folder = folder
        self.table = table
        self.modules = {}
        for file in sorted((folder / "src").rglob("*.rs")):
            module = self.module(file)
            self.modules[module.path] = module.read()
        self.tests = {(*module.path, child) for module in self.modules.values() for child in module.tests}
        self.arrows = self.find_arrows()

    def module(self, file):
        steps = file.relative_to(self.folder / "src").with_suffix("").parts
        if steps in (("lib",), ("main",)):
            return Module((), file, True)
        is_root = steps[-1] == "mod"
        return Module(steps[:-1] if is_root else steps, file, is_root)

    def is_test(self, path):
        return any(path[: len(test)] == test for test in self.tests)

    def resolve(self, path, seen=()):
        """The module whose file defines what the path names."""
        if path in seen:
            return None
        depth = len(path)
        while path[:depth] not in self.modules:
            depth -= 1
        module, rest = self.modules[path[:depth]], path[depth:]
        if not rest or rest[0] in module.items or rest[0] == "*":
            return module
        if rest[0] in module.names:
            return self.resolve((*module.names[rest[0]], *rest[1:]), (*seen, path)) or module
        for glob in module.globs:
            found = self.resolve((*glob, *rest), (*seen, path))
            if found and rest[0] in found.items:
                return found
        return module

    def find_arrows(self):
        """From file to file, once each, with the first line that draws it."""
        arrows = {}
        for module in self.modules.values():
            if self.is_test(module.path):
                continue
            for path, line, said in module.imports:
                if path in self.modules:
                    continue  # a module by itself: what is used of it is named with a longer path
                target = self.resolve(path)
                if target and target is not module and not self.is_test(target.path):
                    arrows.setdefault((module.path, target.path), (line, said))
        return arrows

    def place(self, path):
        return self.modules[path].file.relative_to(self.folder.parent)

    def described(self, arrow):
        line, said = self.arrows[arrow]
        return f"{self.place(arrow[0])}:{line}: {said}"

    def layers(self):
        """Module to layer (0 is the top) and to its neighbours that it must not import."""
        known = {}
        for number, layer in enumerate(self.table.get("layers", [])):
            for group in layer.split("|"):
                for name in group.split(","):
                    known[name.strip()] = (number, group)
        return known

    def upward(self):
        known, anywhere = self.layers(), self.table.get("anywhere", [])
        if known:
            modules = {path[0] for path in self.modules if path and not self.is_test(path)}
            for name in sorted(modules - set(known) - set(anywhere)):
                yield f"{self.folder.name}: the module {name} has no layer in the table"
            for arrow, what in self.wrong_arrows():
                yield f"{self.described(arrow)} {what}"

    def wrong_arrows(self):
        """The arrows that the table forbids, and what is wrong with each."""
        known, anywhere = self.layers(), self.table.get("anywhere", [])
        for arrow in sorted(self.arrows) if known else []:
            source, target = (path[0] if path else None for path in arrow)
            if source == target or source is None or target in anywhere:
                continue
            if target is None:
                yield arrow, "imports from the crate's root"
            elif source in anywhere:
                yield arrow, f"is imported by {source}, which all may import"
            elif source in known and target in known:
                if known[target][0] < known[source][0]:
                    yield arrow, f"runs up, from {source} to {target}"
                elif known[target][0] == known[source][0] and known[target][1] != known[source][1]:
                    yield arrow, f"runs from {source} to {target}, which stands beside it"

    def circles(self):
        """Circles until none is left: the shortest first, and each is cut open before the next one is looked for."""
        # A child may use what its parent's file defines.
        arrows = {(source, target) for source, target in self.arrows if source[: len(target)] != target}
        runs_up = {arrow for arrow, _ in self.wrong_arrows()}
        while circle := shortest_of_all(arrows):
            steps = list(zip(circle, circle[1:] + circle[:1]))
            yield "a circle:\n    " + "\n    ".join(map(self.described, steps))
            arrows.discard(next((step for step in steps if step in runs_up), steps[-1]))


def shortest_of_all(arrows):
    ahead = collections.defaultdict(list)
    for source, target in sorted(arrows):
        ahead[source].append(target)
    return min(filter(None, (shortest(ahead, start) for start in sorted(ahead))), key=len, default=None)


def shortest(ahead, start):
    """The shortest way from a file back to it; none if there is none."""
    ways, seen = collections.deque([[start]]), {start}
    while ways:
        way = ways.popleft()
        for target in ahead[way[-1]]:
            if target == start:
                return way
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return None


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--table", type=pathlib.Path, default=ROOT / "scripts/layers.toml")
    options.add_argument("--root", type=pathlib.Path, default=ROOT)
    options.add_argument("crates", nargs="*", metavar="CRATE")
    options = options.parse_args()
    table = tomllib.loads(options.table.read_text())
    crates = options.crates or list(table)
    passed = sum(judge(Crate(options.root / name, table[name])) for name in crates)
    # An empty table is a failure, too.
    print(f"layers: {passed} passed, {len(crates) - passed or not crates:d} failed")
    return 0 if 0 < len(crates) == passed else 1


def judge(crate):
    """Prints the faults of a crate; returns whether they are allowed."""
    circles, upward = list(crate.circles()), list(crate.upward())
    for complaint in (*upward, *circles):
        print(complaint)
    name, arrows = crate.folder.name, len(crate.arrows)
    print(f"layers: {name}: {len(crate.modules)} files, {arrows} imports, {len(circles)} circles, {len(upward)} upward arrows")
    if not arrows:
        print(f"layers: {name}: nothing was read")
        return False
    if not crate.table.get("unfinished"):
        return not circles and not upward
    if not circles and not upward:
        print(f"layers: {name}: nothing is wrong any more, so it is finished: take the word out of the table")
    return bool(circles or upward)


if __name__ == "__main__":
    sys.exit(main())
