"""What the documents name must exist: links and their anchors, files, make targets, settings, flags, metrics,
label values, environment variables and PHP names. Nothing needs to be built.

Tables are held against the running programs elsewhere: settings and flags in tests/readme, metrics in
exporter/tests. Here every other mention is held against those tables."""

import re
import subprocess
import tomllib
import unittest

import charts
import comparison
import document
import harness

ROOT = harness.ROOT
DOCS = ROOT / "docs"
README_BYTES = 8 * 1024
ARCHITECTURE_WORDS = 2_500

# Flags that documents name although they are other programs'.
FOREIGN_FLAGS = {"--config.file", "--storage.tsdb.path"}  # Prometheus
# Files that are no settings, though their names look like settings.
FILE_ENDINGS = {"stub", "so", "prom", "ini"}
# Where a file may be that a document names.
BASES = ["", "docker", "charts/promshm", "segment/src", "ext/src", "exporter/src", "exposition/src", "php"]


def files(*patterns):
    """Files that git knows or would add."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.check_output(words, cwd=ROOT, text=True).splitlines()
    return [ROOT / name for name in names if (ROOT / name).exists()]


DOCUMENTS = {path: path.read_text() for path in files("*.md") if path.name != "CHANGELOG.md"}
SOURCES = files(
    "*.rs", "*.py", "*.sh", "*.php", "*.js", "*.yaml", "*.yml", "*.h", "*.c", "*.m4", "*.service", "*.json", "*Dockerfile",
    "Makefile", ".ci/*", ":!tests/documents",
)  # fmt: skip


def mentions(pattern, documents=None):
    """The matches of a pattern in the documents, as pairs of document and text."""
    found = []
    for path, text in (documents or DOCUMENTS).items():
        found += [(path.relative_to(ROOT), match) for match in re.findall(pattern, text)]
    return found


def without_code(text):
    """A document without its fenced blocks."""
    return re.sub(r"^\s*```.*?^\s*```", "", text, flags=re.DOTALL | re.MULTILINE)


def inline_code(path):
    """The texts in backquotes in a document's sentences."""
    return re.findall(r"`([^`\n]+)`", without_code(DOCUMENTS[path]))


def anchors(text):
    """The anchors that GitHub gives a document's headings."""
    found = []
    for heading in re.findall(r"^#{1,6} (.+)$", without_code(text), re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        same = sum(1 for each in found if each == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", each))
        found.append(f"{slug}-{same}" if same else slug)
    return found


def first_cells(path, name=None):
    """The texts in backquotes in the first cells of a document's tables, or of the table between marks."""
    text = path.read_text()
    if name:
        text = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", text, re.DOTALL).group(1)
    return set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))


def all_sources():
    return "\n".join(path.read_text(errors="replace") for path in SOURCES)


class DocumentsTest(unittest.TestCase):
    maxDiff = None

    def expect_none(self, wrong, seen, at_least):
        """Fails on errors, and when fewer items were checked than expected."""
        self.assertGreaterEqual(seen, at_least, "the test found hardly anything to look at")
        self.assertEqual([], sorted({f"{path}: {what}" for path, what in wrong}))

    def test_readme_is_at_most_8_kb(self):
        self.assertLessEqual((ROOT / "README.md").stat().st_size, README_BYTES)

    def test_architecture_is_at_most_2500_words(self):
        self.assertLessEqual(len((ROOT / "ARCHITECTURE.md").read_text().split()), ARCHITECTURE_WORDS)

    def test_relative_links_and_their_anchors_resolve(self):
        wrong, seen = [], 0
        for path, text in DOCUMENTS.items():
            text = without_code(text)
            targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
            targets += re.findall(r"^\[[^\]]+\]: (\S+)", text, re.MULTILINE)
            for target in targets:
                if re.match(r"[a-z]+:", target):
                    continue
                seen += 1
                file, _, anchor = target.partition("#")
                file = (path.parent / file).resolve() if file else path
                if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
                    wrong.append((path.relative_to(ROOT), target))
        self.expect_none(wrong, seen, 60)

    def test_each_page_of_docs_is_in_the_index(self):
        for folder in [DOCS, *[each for each in DOCS.iterdir() if each.is_dir() and list(each.glob("*.md"))]]:
            pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
            linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (folder / "README.md").read_text()))
            self.assertEqual(pages, linked, folder)
            self.assertGreater(len(pages), 3)

    def test_files_that_are_named_exist(self):
        top = {path.relative_to(ROOT).parts[0] for path in files(".") if len(path.relative_to(ROOT).parts) > 1}
        wrong, seen = [], 0
        for path in DOCUMENTS:
            for word in inline_code(path):
                name = word.split()[0]
                is_file = re.fullmatch(r"(\.\./)?[\w.-]+(/[\w.-]+)*/?", name) and (
                    name.removeprefix("../").split("/")[0] in top if "/" in name else re.search(r"\.(rs|py|sh|php|toml)$", name)
                )
                if not is_file or "NAME" in name:
                    continue
                seen += 1
                places = [path.parent / name, *[ROOT / base / name for base in BASES]]
                known = any(place.exists() for place in places)
                if not known and "/" not in name:
                    known = any(file.name == name for file in SOURCES) or (ROOT / name).exists()
                if not known:
                    wrong.append((path.relative_to(ROOT), name))
        self.expect_none(wrong, seen, 20)

    def test_make_targets_that_are_named_exist(self):
        targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        code = [(path.relative_to(ROOT), word) for path in DOCUMENTS for word in inline_code(path)]
        code += mentions(r"(?m)^(make .*)$")
        named = [(path, target) for path, word in code for target in re.findall(r"\bmake ([a-z][a-z0-9-]*)\b", word)]
        self.expect_none([each for each in named if each[1] not in targets], len(named), 20)

    def test_settings_that_are_named_exist(self):
        settings = first_cells(DOCS / "configuration.md", "ini")
        named = [(path, name) for path, name in mentions(r"\bpromshm\.([a-z_]+)\b") if name not in FILE_ENDINGS]
        self.expect_none([each for each in named if f"promshm.{each[1]}" not in settings], len(named), 20)

    def test_flags_that_are_named_exist(self):
        flags = first_cells(DOCS / "exporter.md", "flags") | first_cells(DOCS / "exporter.md", "command-flags")
        flags = {flag.split()[0] for flag in flags} | FOREIGN_FLAGS | {"--help", "--version"}
        dotted = mentions(r"(?<![\w-])(--[a-z0-9-]+(?:\.[a-z0-9-]+)+)")
        ours = mentions(r"promshm-exporter(?: [a-z]+)?((?: --[a-z][a-z.-]*(?:[= ][\w./:=@-]+)?)+)")
        named = dotted + [(path, flag) for path, words in ours for flag in re.findall(r"--[a-z][\w.-]*", words)]
        self.expect_none([each for each in named if each[1] not in flags], len(named), 20)

    def test_metrics_that_are_named_exist(self):
        metrics = {name for name in first_cells(DOCS / "metrics.md") if re.fullmatch(r"[a-z_]+", name)}
        known = metrics | {name.removesuffix("_total") for name in metrics}  # as OpenMetrics announces them
        named = mentions(r"\b((?:promshm|php_worker)_[a-z0-9_]+)\b(?![-.]|\()")
        is_known = lambda name: name in known or (name.endswith("_") and any(each.startswith(name) for each in known))
        self.expect_none([each for each in named if not is_known(each[1])], len(named), 40)

    def test_label_values_of_metrics_that_are_named_exist(self):
        values = first_cells(DOCS / "metrics.md")
        named = mentions(r'\bpromshm_[a-z_]+\{(?:kind|reason|state|mode)="([^"]+)"')
        self.expect_none([each for each in named if each[1] not in values], len(named), 1)

    def test_environment_variables_that_are_named_are_read(self):
        sources = all_sources()
        named = mentions(r"\b(PROMSHM_[A-Z_]+)\b")
        self.expect_none([each for each in named if each[1] not in sources], len(named), 5)

    def test_php_names_that_are_named_exist(self):
        declared = set()
        for path in [ROOT / "ext" / "promshm.stub.php", *files("php/src/*.php")]:
            space = ""
            for kind, name in re.findall(r"^\s*(?:final |abstract |readonly )*(namespace|class|interface|enum|trait) ([\w\\]+)", path.read_text(), re.MULTILINE):
                space = name if kind == "namespace" else space
                declared.add(name if kind == "namespace" else f"{space}\\{name}")
        named = [(path, name.rstrip("\\")) for path, name in mentions(r"(?<![\w\\])(Promshm\\[A-Z][\w\\]*)")]
        self.expect_none([each for each in named if each[1] not in declared], len(named), 8)

    def test_the_layers_of_architecture_are_those_that_are_checked(self):
        checked = tomllib.loads((ROOT / "scripts" / "layers.toml").read_text())
        rows = re.findall(r"^\| (\w+) \| (`.*) \|$", DOCUMENTS[ROOT / "ARCHITECTURE.md"], re.MULTILINE)
        told = {crate: [re.findall(r"`(\w+)`", level) for level in levels.split(" · ")] for crate, levels in rows}
        self.assertEqual(
            {crate: [re.findall(r"\w+", level) for level in found["layers"]] for crate, found in checked.items() if found.get("layers")},
            {crate: levels for crate, levels in told.items() if crate in checked},
        )
        self.assertGreater(len(told), 2)

    def test_dependencies_with_advisories_are_those_in_the_lock_file(self):
        table = re.search(r"<!-- advisories -->(.*?)<!-- /advisories -->", DOCUMENTS[ROOT / "SECURITY.md"], re.DOTALL).group(1)
        rows = re.findall(r"^\| (?:CVE|RUSTSEC)-\S+ .*? \| `([\w-]+)` (\S+) \|", table, re.MULTILINE)
        locked = {(each["name"], each["version"]) for each in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
        self.expect_none([("SECURITY.md", each) for each in rows if each not in locked], len(rows), 1)

    def test_tests_that_security_names_exist(self):
        names = re.findall(r"`((?!promshm)[a-z]+(?:_[a-z]+){3,})`", DOCUMENTS[ROOT / "SECURITY.md"] + DOCUMENTS[DOCS / "reliability.md"])
        sources = all_sources()
        missing = [("SECURITY.md", name) for name in names if f"fn {name}(" not in sources and f"def {name}(" not in sources]
        self.expect_none(missing, len(names), 1)

    def test_text_files_follow_the_editors_settings(self):
        wrong, texts = [], [path for path in files(".") if path.suffix != ".png" and "corpus" not in path.parts and not path.is_symlink()]
        for path in texts:
            content = path.read_bytes()
            if re.search(rb"[ \t]\n|\r\n", content) or (content and not content.endswith(b"\n")):
                wrong.append((path.relative_to(ROOT), "a blank or \\r at a line's end, or no line break at the file's"))
        self.expect_none(wrong, len(texts), 500)

    def test_limits_of_settings_are_those_of_the_code(self):
        limits = dict(re.findall(r'"promshm\.(\w+)", "[^"]* from \d+ to (\d+)"', all_sources()))
        rows = re.findall(r"^\| `promshm\.(\w+)` .*?\(up to (\d+)[^)]*\)", (DOCS / "configuration.md").read_text(), re.MULTILINE)
        wrong = [("docs/configuration.md", f"{name} up to {limit}") for name, limit in rows if limits.get(name) != limit]
        self.expect_none(wrong, len(rows), 3)

    def test_sums_of_deaths_at_crash_points_are_right(self):
        text = (DOCS / "reliability.md").read_text()
        told = re.search(r"these are ([\d,]+) deaths on System V segments and ([\d,]+) on POSIX", text)
        table = text.split("## Death at every step")[1].split("##")[0]
        cells = [row.split("|")[2:4] for row in table.splitlines() if row.startswith("| ") and "---" not in row][1:]
        number = lambda text: int(text.replace(",", ""))
        sums = [sum(number(each) for cell in column for each in re.findall(r"\d[\d,]*", cell)) for column in zip(*cells)]
        self.assertEqual([number(each) for each in told.groups()], sums)

    def test_numbers_of_the_readme_are_those_that_were_measured(self):
        readme = DOCUMENTS[ROOT / "README.md"]
        self.assertEqual(document.of_readme(readme), readme, "run: PYTHONPATH=tests benches/document.py")
        rows = (DOCS / "reliability.md").read_text().splitlines()
        number = lambda text: int(text.replace(",", ""))
        soaked = [number(re.findall(r"([\d,]+) kills", row)[-1]) for row in rows if re.match(r"\| (Workers killed by SIGKILL at random instants while|Real PHP workers)", row)]
        self.assertEqual(2, len(soaked))
        self.assertEqual(sum(soaked), number(re.search(r"tried with ([\d,]+) kills", readme).group(1)))

    def test_benchmarks_are_the_notes_with_what_the_last_runs_measured(self):
        found, compared = document.read(), comparison.read()
        self.assertEqual(document.PARTS, list(found))
        rows = [row for part in found.values() for piece in part["pieces"] if isinstance(piece, dict) for row in piece["rows"]]
        self.assertGreater(len(rows), 80)
        self.assertGreater(len(compared["counts"]), 8)
        self.assertGreater(len(compared["pages"]), 4)
        written = (DOCS / "benchmarks.md").read_text()
        self.assertEqual(document.text(), written, "edit benches/NOTES.md and run: PYTHONPATH=tests benches/document.py")
        self.assertNotRegex(re.sub("<!-- /?comparison -->", "", written), "<!-- [a-z]+ -->", "a part that nothing measures")

    def test_pictures_of_the_comparison_are_those_of_the_last_run(self):
        for path, picture in charts.pictures(comparison.read()).items():
            self.assertEqual(picture, path.read_text(), "run: PYTHONPATH=tests benches/charts.py")

    def test_table_of_phps_is_what_the_last_matrix_run_did(self):
        done = subprocess.run([ROOT / "tests/matrix/table.py"], check=True, capture_output=True, text=True)
        self.assertGreater(len(re.findall(r"^\| 8\.", done.stdout, re.M)), 7)
        self.assertIn(done.stdout, (DOCS / "install.md").read_text(), "run: tests/matrix/table.py write")
