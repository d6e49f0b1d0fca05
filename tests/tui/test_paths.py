"""Paths typed, pasted and dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import UsageError
from p2pchat.tui import commands, paths


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two reports, a folder and a hidden file; the working directory."""
    for name in ("report 1.txt", "report 2.txt", "notes.md", ".hidden"):
        (tmp_path / name).write_text("x")
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_quotation_works_as_in_a_shell() -> None:
    assert paths.parse("'a b' c\\ d \"e f\"") == [Path("a b"), Path("c d"), Path("e f")]


def test_home_is_expanded_and_unknown_users_are_left() -> None:
    assert paths.parse("~/x ~nobody-here/x") == [Path.home() / "x", Path("~nobody-here/x")]


def test_a_lonely_quotation_mark_is_refused() -> None:
    with pytest.raises(UsageError):
        paths.parse("it's")


def test_one_match_is_completed(folder: Path) -> None:
    assert paths.complete("no") == paths.Completion("notes.md ", ())
    assert paths.complete("notes.md ph") == paths.Completion("notes.md photos/", ())


def test_several_matches_are_completed_as_far_as_they_agree(folder: Path) -> None:
    assert paths.complete("rep") == paths.Completion("report\\ ", ("report 1.txt", "report 2.txt"))
    assert paths.complete("report\\ 2") == paths.Completion("report\\ 2.txt ", ())
    assert paths.complete('"report 1') == paths.Completion("report\\ 1.txt ", ())


def test_hidden_files_are_completed_only_when_asked_for(folder: Path) -> None:
    assert ".hidden" not in paths.complete("").names
    assert paths.complete(".h").text == ".hidden "


def test_names_that_would_do_something_to_the_terminal_are_not_completed(folder: Path) -> None:
    (folder / "evil\x1b[2J").write_text("x")
    assert paths.complete("ev") == paths.Completion("ev", ())


def test_nothing_matches_and_nothing_changes(folder: Path) -> None:
    assert paths.complete("zzz") == paths.Completion("zzz", ())
    assert paths.complete("no/such/folder/x") == paths.Completion("no/such/folder/x", ())


@pytest.mark.parametrize("form", ["'{}'", "{}", '"{}"'])
def test_dropped_files_are_recognised_however_the_terminal_quotes_them(folder: Path, form: str) -> None:
    name = str(folder / "report 1.txt")
    text = form.format(name if form != "{}" else name.replace(" ", "\\ "))
    assert paths.dropped(text) == [folder / "report 1.txt"]


def test_dropped_urls_are_recognised(folder: Path) -> None:
    assert paths.dropped((folder / "report 1.txt").as_uri()) == [folder / "report 1.txt"]


def test_text_and_relative_names_are_no_dropped_files(folder: Path) -> None:
    assert paths.dropped("notes.md") == []
    assert paths.dropped("have a look at notes.md, it's new") == []
    assert paths.dropped(f"{folder}/notes.md and more") == []


@given(st.text(min_size=1).filter(lambda name: "\0" not in name and not name.startswith("~")))
def test_a_quoted_path_reads_back(name: str) -> None:
    assert paths.parse(paths.quote(Path(name))) == [Path(name)]


def test_commands_are_completed_and_explained() -> None:
    assert commands.complete("/se") == paths.Completion("/send ", ())
    assert commands.complete("/") is not None
    assert commands.complete("hello") is None
    assert "Offer files" in commands.explain("/send x")
    assert "no such command" in commands.explain("/nonsense")
