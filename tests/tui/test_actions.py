"""One registry of actions: each can be carried out, found by key, and found in the help."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from p2pchat.tui.actions import ACTIONS, SLASH, Action, Where, key_name, usage
from p2pchat.tui.app import ChatApp
from p2pchat.tui.screens.captions import CaptionsScreen
from p2pchat.tui.screens.chat import ChatScreen
from p2pchat.tui.screens.choose import ChooseScreen
from p2pchat.tui.screens.contacts import ContactsScreen
from p2pchat.tui.screens.failure import FailureScreen
from p2pchat.tui.screens.files import FilesScreen
from p2pchat.tui.screens.help import HelpText
from p2pchat.tui.screens.invite import InviteScreen
from p2pchat.tui.screens.picker import FilePicker, FolderPicker
from p2pchat.tui.screens.question import DropQuestion, NameQuestion, Question
from p2pchat.tui.screens.verify import VerifyScreen
from p2pchat.tui.slash_commands import SlashCommands
from p2pchat.tui.widgets.alarm_panel import AlarmPanel
from p2pchat.tui.widgets.composer import Composer
from p2pchat.tui.widgets.offer_panel import OfferPanel
from p2pchat.tui.widgets.search_line import SearchField

OWNERS = {
    Where.EVERYWHERE: ChatApp,
    Where.CHAT: ChatScreen,
    Where.COMPOSER: Composer,
    Where.SEARCH: SearchField,
    Where.OFFER: OfferPanel,
    Where.ALARM: AlarmPanel,
    Where.CHOOSE: ChooseScreen,
    Where.FOLDER: FolderPicker,
    Where.PICKER: FilePicker,
    Where.DROP: DropQuestion,
    Where.FILES: FilesScreen,
    Where.VERIFY: VerifyScreen,
    Where.CONTACTS: ContactsScreen,
    Where.INVITE: InviteScreen,
    Where.CAPTIONS: CaptionsScreen,
    Where.QUESTION: Question,
    Where.NAMING: NameQuestion,
    Where.FAILURE: FailureScreen,
}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.where.name}-{action.name}")
def test_every_action_can_be_carried_out(action: Action) -> None:
    if action.argument:
        assert hasattr(SlashCommands, f"command_{action.name}")
    if action.keys or not action.argument:
        assert hasattr(OWNERS[action.where], f"action_{action.name}")
    assert action.keys or action.slash


def test_no_key_means_two_things_in_one_place() -> None:
    keys = Counter((action.where, key) for action in ACTIONS for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("width", [40, 80])
def test_the_help_lists_every_action(width: int) -> None:
    help = " ".join(HelpText().draw(width).plain.split())
    for action in ACTIONS:
        assert " ".join(action.title.split()) in help
        assert all(key_name(key) in help for key in action.keys)
    assert all(usage(action) in help for action in SLASH.values())


def test_the_documentation_lists_every_key_and_command() -> None:
    page = Path(__file__, "../../../docs/tui.md").resolve().read_text("utf-8")
    missing = [key_name(key) for action in ACTIONS for key in action.keys if f"`{key_name(key)}`" not in page]
    missing += [usage(action) for action in SLASH.values() if f"`{usage(action)}`" not in page]
    assert missing == []
