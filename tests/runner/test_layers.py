"""`make layers` over crates of a few lines: some valid, the others with one fault each."""

import subprocess
import sys

import harness
import pytest

TABLE = """
[it]
layers = ["top", "left | right", "middle, beside", "bottom"]
anywhere = ["crash"]
"""
SOUND = {
    "lib.rs": "mod top; mod left; mod right; mod middle; mod beside; mod bottom; mod crash;\npub use bottom::Bottom;",
    "top.rs": "use crate::{left::Left, middle};\nfn f(_: Left) { middle::m() }",
    "left.rs": "use super::bottom::Bottom;\npub struct Left(Bottom);",
    "right.rs": "pub struct Right;",
    "middle.rs": "pub fn m() { crate::crash::point(); crate::beside::b() }",
    "beside.rs": "pub fn b() -> crate::Bottom { crate::Bottom }",
    "bottom/mod.rs": "mod inner;\npub use inner::Deep;\npub struct Bottom;\nfn f() { inner::g() }",
    "bottom/inner.rs": "use super::Bottom;\npub struct Deep;\npub fn g() -> Bottom { Bottom }",
    "crash.rs": "pub fn point() {}",
}


@pytest.fixture
def layers(tmp_path):
    """Runs the check over the valid crate with some files replaced; its exit code and output."""

    def run(table=TABLE, **files):
        for name, text in {**SOUND, **files}.items():
            file = tmp_path / "it" / "src" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (tmp_path / "layers.toml").write_text(table)
        command = [sys.executable, harness.ROOT / "scripts/layers.py", "--root", tmp_path, "--table", tmp_path / "layers.toml"]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return run


def test_sound_crate_passes(layers):
    assert layers() == (0, "layers: it: 9 files, 8 imports, 0 circles, 0 upward arrows\nlayers: 1 passed, 0 failed\n")


@pytest.mark.parametrize(
    "line",
    [
        "use crate::top::Top;",
        "use crate::{top::Top, bottom::Bottom};",
        "use crate::{\n    bottom::Bottom,\n    top::{\n        self,\n        Top as Other,\n    },\n};\nfn f(_: Other) {}",
        "use super::top;\nfn f() { top::t() }",
        "fn f() { crate::top::t() }",
        "fn f() { super::top::t() }",
        "mod inline { fn f() { super::super::top::t() } }",
        "mod inline { use super::super::top::Top; }",
        "macro_rules! m { () => { $crate::top::t() } }",
        "#[cfg(not(test))]\nuse crate::top::Top;",
        "#[cfg(feature = \"test\")]\nuse crate::top::Top;",
        "const A: char = '\"'; use crate::top::Top; const B: char = '\"';",
        "fn f<'a>(a: &'a str) -> &'a str { a }\nuse crate::top::Top;",
        "use crate::Top;",
    ],
)
def test_upward_import_is_found(layers, line):
    root = SOUND["lib.rs"] + "\npub use top::Top;"
    code, said = layers(**{"lib.rs": root, "top.rs": "pub struct Top;\npub fn t() {}", "left.rs": line})
    assert code == 1 and "0 circles, 1 upward arrows" in said, said
    assert "it/src/left.rs:" in said and "runs up, from left to top" in said


@pytest.mark.parametrize(
    "line",
    [
        "// use crate::top::Top;",
        "/* use crate::top::Top; */",
        '/// See [`Top`](crate::top::Top).\nconst A: &str = "crate::top::Top";',
        'const A: &str = r#"use "crate::top::Top";"#;',
        "#[cfg(test)]\nuse crate::top::Top;",
        "#[cfg(test)]\nmod tests {\n    use crate::top::Top;\n}",
        "#[cfg(all(test, not(loom)))]\nmod tests {\n    use crate::top::Top;\n}",
        "#[cfg(test)]\nimpl Left { fn f(&self) { crate::top::t() } }",
        "use std::top::Top;",
    ],
)
def test_imports_in_tests_and_comments_are_ignored(layers, line):
    code, said = layers(**{"top.rs": "pub struct Top;", "left.rs": line})
    assert code == 0, said


def test_tests_in_files_of_their_own_may_import_anything(layers):
    files = {"left.rs": "#[cfg(test)]\nmod tests;", "left/tests.rs": "use crate::top::Top;", "top.rs": "pub struct Top;"}
    assert layers(**files)[0] == 0


def test_import_between_modules_side_by_side_is_refused(layers):
    code, said = layers(**{"left.rs": "use crate::right::Right;"})
    assert code == 1 and "from left to right, which stands beside it" in said


def test_import_between_modules_with_a_comma_runs_one_way(layers):
    code, said = layers(**{"beside.rs": "pub fn b() { crate::middle::m() }"})
    assert code == 1 and "1 circles, 0 upward" in said, said
    assert "it/src/beside.rs:1: crate::middle::m\n    it/src/middle.rs:1: crate::beside::b" in said


def test_every_circle_is_named(layers):
    files = {f"middle/{name}.rs": f"use super::{target}::X; pub struct X;" for name, target in ("ab", "bc", "ca", "de", "ed")}
    files["middle.rs"] = "mod a; mod b; mod c; mod d; mod e;"
    code, said = layers(**files)
    assert code == 1 and "2 circles, 0 upward" in said, said


def test_reexported_name_belongs_to_its_definer(layers):
    files = {
        "middle.rs": "mod a; mod b;\npub use a::A;",
        "middle/a.rs": "use super::b::B;\npub struct A;",
        "middle/b.rs": "use super::A;\npub struct B;",
    }
    code, said = layers(**files)
    assert code == 1 and "1 circles" in said and "middle/a.rs" in said, said


def test_module_without_a_layer_is_refused(layers):
    code, said = layers(**{"newcomer.rs": "pub struct New;"})
    assert code == 1 and "the module newcomer has no layer" in said


def test_module_for_all_layers_must_import_nothing(layers):
    code, said = layers(**{"crash.rs": "use crate::bottom::Bottom;\npub fn point() {}"})
    assert code == 1 and "which all may import" in said


def test_import_of_a_definition_in_the_root_is_refused(layers):
    code, said = layers(**{"lib.rs": SOUND["lib.rs"] + "\npub struct Here;", "bottom/mod.rs": "use crate::Here; mod inner;"})
    assert code == 1 and "imports from the crate's root" in said


def test_unfinished_crate_reports_faults_until_there_are_none(layers):
    unfinished = TABLE.replace("[it]", "[it]\nunfinished = true")
    code, said = layers(table=unfinished, **{"left.rs": "use crate::right::Right;"})
    assert code == 0 and "1 upward arrows" in said, said
    code, said = layers(table=unfinished)
    assert code == 1 and "take the word out" in said


@pytest.mark.parametrize("table", ["", "[other]\n", "[empty]\n"])
def test_nothing_read_is_a_failure(layers, tmp_path, table):
    (tmp_path / "empty" / "src").mkdir(parents=True)
    (tmp_path / "empty" / "src" / "lib.rs").write_text("pub struct Alone;")
    assert layers(table=table)[0] == 1


def test_path_attribute_is_refused(layers):
    code, said = layers(**{"left.rs": '#[path = "elsewhere.rs"]\nmod other;'})
    assert code == 1 and "cannot be followed" in said
