"""Paths that a peer chose: what may become a file, and what never does."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.errors import UnsafeName
from p2pchat.protocol.transfer.paths import collision_key, portable, safe_components, shortened

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
    "too long": ["x" * 256, "é" * 128, "/".join(["a" * 200] * 21)],
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
    ("own", "offered"),
    [
        ("a\nb", "a␊b"),
        ("\x1b[2J\x7f", "␛[2J␡"),
        ("12:30 \\ noon", "12_30 _ noon"),
        ("exe\u202efdp.txt", "exe_fdp.txt"),
        ("a\x85\ue000b", "a__b"),
        ("latin-\udce9", "latin-\ufffd"),
        ("dot.", "dot._"),
        ("space ", "space _"),
        ("...", "..._"),
        ("NUL", "NUL_"),
        ("nul .txt", "nul _.txt"),
        ("com¹.tar.gz", "com¹_.tar.gz"),
        ("é" * 130 + ".txt", "é" * 124 + ".txt"),
        ("\n" * 200, "␊" * 84),
        ("CON" + " " * 252, "CON" + " " * 250 + "_"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_name_of_our_own_disk_that_others_could_not_store_is_offered_under_another(own: str, offered: str) -> None:
    assert portable(own) == offered
    assert safe_components(offered) == (offered,)


@pytest.mark.parametrize("name", [path for path in SAFE if "/" not in path])
def test_a_name_that_all_can_store_is_offered_as_it_is(name: str) -> None:
    assert portable(name) == name


odd = st.sampled_from(". \n\\:_\udc80\u202e\u200dé😀\x7f\x85CONUL1¹$")
posix_names = st.text(st.characters(exclude_characters="/\0") | odd, min_size=1, max_size=300) | st.builds(
    lambda start, filling, count, end: start + filling * count + end,
    st.sampled_from(["", "CON", "nul", "a.", ".", "com1."]),
    odd,
    st.integers(1, 260),
    st.sampled_from(["", ".", " ", ".txt", ".tar.gz", ". .", "." + "x" * 130]),
)


@given(posix_names.filter(lambda name: name not in (".", "..")))
def test_whatever_a_name_is_here_it_is_offered_under_one_that_is_safe(name: str) -> None:
    offered = portable(name)
    assert safe_components(offered) == (offered,)
    assert portable(offered) == offered


@given(posix_names.map(portable), st.integers(8, 255), st.sampled_from(["", " (1)"]))
def test_a_name_is_cut_to_its_size_and_keeps_its_extension(name: str, size: int, ending: str) -> None:
    cut = shortened(name, size, ending)
    assert len(cut.encode()) <= max(size, len(ending))
    assert ending in cut
    stem, dot, extension = name.rpartition(".")
    if dot and stem.strip(".") and len(extension) < 2:
        assert cut.endswith(f"{ending}.{extension}")


@pytest.mark.parametrize(
    ("one", "other"),
    [("README", "readme"), ("é", "e\u0301"), ("Straße", "STRASSE"), ("Ünï", "u\u0308NI\u0308"), ("a\u200db", "ab")],
)
def test_names_that_look_alike_to_a_file_system_have_one_key(one: str, other: str) -> None:
    assert collision_key(one) == collision_key(other)
