"""Paths that a peer chose: what may become a file, and what never does."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.errors import UnsafeName
from p2pchat.protocol.transfer.paths import collision_key, safe_components

UNSAFE = {
    "leaves the folder": ["..", "../../x", "a/../x", "a/..", "../", "..\\x"],
    "absolute": ["/etc/passwd", "/", "//server/share", "\\\\server\\share\\x", "C:\\x", "C:x", "c:/x"],
    "empty or void": ["", "a//b", "a/", ".", "./a", "a/./b"],
    "streams and separators": ["a:b", "file.txt:stream", "a\\b", "\\"],
    "control": ["a\x00b", "a\nb", "\x1b[2Jx", "a\x7f", "a\x85b", "tab\there"],
    "bidi and invisible": [
        "exe\u202efdp.txt",
        "a\u200b",
        "\ufeffa",
        "a\u2066b",
        "soft\u00adhyphen",
        "a\u2028b",
        "\ue000",
    ],
    "no text": ["a\ud800", "\udcff.txt"],
    "dot or space at the end": ["a.", "a ", "a. /b", "dir./x", "..."],
    "devices": [
        "CON",
        "nul",
        "Aux.txt",
        "com1",
        "COM9.tar.gz",
        "LPT¹",
        "com³.x",
        "CONIN$",
        "conout$",
        "nul .txt",
        "a/PRN",
    ],
    "too long": ["x" * 256, "é" * 128, "/".join(["a" * 200] * 6)],
    "too deep": ["/".join("a" * 33)],
}

SAFE = [
    "a",
    ".bashrc",
    "..a",
    "a..b",
    "notes (1).txt",
    "Sören/Fußball – ½.txt",
    "what? \"really\" <yes>|no*.txt",
    "日本語.txt",
    "می‌خواهم.pdf",
    "👩‍💻.png",
    "CONSOLE.txt",
    "com10",
    "nulled",
    "~root",
    "-rf",
    "a b/c d",
    "x" * 255,
]  # fmt: skip


@pytest.mark.parametrize("path", [path for paths in UNSAFE.values() for path in paths])
def test_an_unsafe_path_is_refused_with_a_printable_reason(path: str) -> None:
    with pytest.raises(UnsafeName) as caught:
        safe_components(path)
    assert caught.value.message.isprintable()
    assert caught.value.hint


@pytest.mark.parametrize("path", SAFE)
def test_a_path_of_everyday_is_taken_as_it_is(path: str) -> None:
    assert "/".join(safe_components(path)) == path


def test_a_traversal_is_called_what_it_is() -> None:
    with pytest.raises(UnsafeName, match=r"the name '\.\./\.\./x' would leave the download folder"):
        safe_components("../../x")
    with pytest.raises(UnsafeName, match="is absolute: it would leave the download folder"):
        safe_components("/etc/x")


@pytest.mark.nightly
@given(
    st.text(max_size=30)
    | st.text(alphabet="./\\:~ abCON1$\u202e\u200d\0", max_size=12)
    | st.lists(st.sampled_from(["..", ".", "", "a", "NUL", "C:", "x y", "\\", "…"]), max_size=5).map("/".join)
)
@example("a/../../b")
@example("C:/Windows")
def test_whatever_is_let_through_lies_below_the_target_on_every_system(path: str) -> None:
    try:
        components = safe_components(path)
    except UnsafeName:
        return
    targets: list[PurePath] = [PurePosixPath("/home/ana/Downloads"), PureWindowsPath("C:/Users/ana/Downloads")]
    for target in targets:
        place = target.joinpath(*components)
        assert place.parts == (*target.parts, *components)
        assert place.is_relative_to(target)
        assert ".." not in place.parts
    assert safe_components("/".join(components)) == components


@pytest.mark.parametrize(
    ("one", "other"),
    [("README", "readme"), ("é", "e\u0301"), ("Straße", "STRASSE"), ("Ünï", "u\u0308NI\u0308"), ("a\u200db", "ab")],
)
def test_names_that_look_alike_to_a_file_system_have_one_key(one: str, other: str) -> None:
    assert collision_key(one) == collision_key(other)
