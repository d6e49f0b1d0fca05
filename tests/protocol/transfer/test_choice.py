"""What is wanted of an offer."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.errors import UsageError
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.transfer import choice
from p2pchat.protocol.transfer.choice import left_out
from p2pchat.protocol.transfer.manifest import Manifest

TREE = [
    "readme",
    "docs/a.txt",
    "docs/b.md",
    "docs/deep/c.txt",
    "photos/",
    "photos/1.jpg",
    "x[1].txt",
    "x1.txt",
    "void/",
]
MANIFEST = Manifest.of(Entry(path.rstrip("/"), folder=path.endswith("/")) for path in TREE)


def wanted(*only: str) -> list[str]:
    return [path for path, flag in zip(TREE, left_out(MANIFEST, only), strict=True) if not flag]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["readme"], ["readme"]),
        (["docs"], ["docs/a.txt", "docs/b.md", "docs/deep/c.txt"]),
        (["docs/"], ["docs/a.txt", "docs/b.md", "docs/deep/c.txt"]),
        (["docs/deep"], ["docs/deep/c.txt"]),
        (["photos"], ["photos/", "photos/1.jpg"]),
        (["photos/1.jpg"], ["photos/1.jpg"]),
        (["void"], ["void/"]),
        (["*.txt"], ["docs/a.txt", "docs/deep/c.txt", "x[1].txt", "x1.txt"]),
        (["docs/*.txt"], ["docs/a.txt", "docs/deep/c.txt"]),
        (["d?cs"], ["docs/a.txt", "docs/b.md", "docs/deep/c.txt"]),
        (["*deep"], ["docs/deep/c.txt"]),
        (["[rv]*"], ["readme", "void/"]),
        (["[!a-z]*", "readme"], ["readme"]),
        (["x[1].txt"], ["x[1].txt"]),
        (["x[12].txt"], ["x1.txt"]),
        (["missing", "readme"], ["readme"]),
        (["*"], TREE),
    ],
)
def test_paths_folders_and_patterns_choose_of_an_offer(only: list[str], expected: list[str]) -> None:
    assert wanted(*only) == expected


@pytest.mark.parametrize("only", [[], ["doc"], ["README"], ["docs/a"], ["/"], [""], ["*.png", "\x1b[2J"]])
def test_a_choice_that_fits_nothing_is_refused_in_words(only: list[str]) -> None:
    with pytest.raises(UsageError, match="nothing in the offer is called") as caught:
        left_out(MANIFEST, only)
    assert caught.value.message.isprintable()


def test_patterns_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "PATTERN_CHARACTERS", 5)
    assert wanted("*.txt", "docs/deep/c.txt")  # what is no pattern costs nothing
    with pytest.raises(UsageError, match="longer than 5 characters"):
        wanted("*.txt", "*.md")


def test_a_pattern_that_could_be_matched_in_many_ways_takes_no_longer() -> None:
    manifest = Manifest.of([Entry("a" * 250), Entry("a" * 249 + "b")])
    assert left_out(manifest, ["*a" * 100 + "*b"]) == b"\1\0"


ALPHABET = "ab/[]!-*?"
names = st.text("ab[]!-", min_size=1, max_size=4)
tree = st.lists(st.lists(names, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8, unique=True)


@given(tree, st.lists(st.text(ALPHABET, max_size=7), max_size=3))
@example(["a]b", "a"], ["a[]]b"])
@example(["a-b"], ["a[!]a]b"])
@example(["a[b"], ["a[*"])
def test_what_is_chosen_is_what_fnmatch_says_of_an_entry_or_a_folder_above_it(
    paths: list[str], only: list[str]
) -> None:
    paths = [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]
    manifest = Manifest.of(map(Entry, paths))
    prefixes = {path: ["/".join(path.split("/")[: n + 1]) for n in range(path.count("/") + 1)] for path in paths}
    everything = {prefix for all_of in prefixes.values() for prefix in all_of}
    wishes = [wish.rstrip("/") for wish in only]

    def fits(prefix: str, wish: str) -> bool:
        return prefix == wish if wish in everything else fnmatchcase(prefix, wish)

    expected = bytes(not any(fits(prefix, wish) for prefix in prefixes[path] for wish in wishes) for path in paths)
    if 0 in expected:
        assert left_out(manifest, only) == expected
    else:
        with pytest.raises(UsageError):
            left_out(manifest, only)
