"""Everything a user can do, once: key bindings, help, command palette, key line and slash commands derive from this.

An action `name` is carried out by the method `action_<name>` of the app, screen or widget that `where` stands for. One
with a slash command that takes an argument is by `command_<name>(argument)` of `p2pchat.tui.slash_commands`; it has the
other method as well if it has a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from textual.binding import Binding, BindingType


class Where(Enum):
    """Where an action's keys work; the value is the heading in the help."""

    EVERYWHERE = "Everywhere"
    CHAT = "In the conversation"
    COMPOSER = "While writing"
    SEARCH = "While searching"
    OFFER = "While an offer has the focus (Tab)"
    CHOOSE = "While choosing from an offer"
    FOLDER = "While picking a folder"
    PICKER = "While picking files to offer"
    DROP = "After files were dropped or pasted"
    ALARM = "While a warning has the focus (Tab)"
    FILES = "In the list of files"
    VERIFY = "While comparing safety words"
    CONTACTS = "In the list of contacts"
    INVITE = "While the invite link is shown"
    CAPTIONS = "While captions fill the screen"
    QUESTION = "While a question is asked"
    NAMING = "While a name or a size is asked for"
    FAILURE = "When the conversation could not be joined"


RTT: Final = "on|off|hold|stats"
"""What may stand behind `/rtt`, here and in line mode."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do."""

    name: str
    title: str
    """What it does, as a sentence without full stop, for help and palette."""
    where: Where
    keys: tuple[str, ...] = ()
    """Textual's names of the keys; the first is the one that is shown."""
    short: str = ""
    """Its word where its place lists its keys in one line; empty when it isn't there."""
    slash: str = ""
    """The slash command, without the slash; empty when there is none."""
    argument: str = ""
    """What follows the slash command, as shown in the help."""

    @property
    def in_palette(self) -> bool:
        """Whether the command palette offers it: only what makes sense without a selected line or offer."""
        return self.where in (Where.EVERYWHERE, Where.CHAT) and self.name not in ("command_palette", "back")


ACTIONS: Final = (
    Action("command_palette", "Find any action by its name", Where.EVERYWHERE, ("ctrl+p",), short="commands"),
    Action("help", "Show every key and command", Where.EVERYWHERE, ("f1",), short="help", slash="help"),
    Action(
        "live",
        "Let others see each key as you type, or stop",
        Where.CHAT,
        ("f2",),
        short="live",
        slash="live",
        argument="[NAME] [on|off]",
    ),
    Action(
        "find",
        "Search in the conversation",
        Where.CHAT,
        ("f3",),
        short="search",
        slash="find",
        argument="[TEXT]",
    ),
    Action(
        "layout",
        "Show the next layout, or this one: stack, columns, inline, captions",
        Where.CHAT,
        ("f7",),
        slash="layout",
        argument="[NAME]",
    ),
    Action("hold", "Compose in private, or go on", Where.CHAT, ("f6",), slash="hold"),
    Action("statistics", "Show how the links and live text work", Where.EVERYWHERE, ("f8",), slash="stats"),
    Action("rtt", "The same by one name: live text, and how well it works", Where.CHAT, slash="rtt", argument=RTT),
    Action(
        "export",
        "Save what was said: as text, Markdown (md) or JSON Lines (jsonl)",
        Where.CHAT,
        slash="export",
        argument="[FORMAT] [PATH]",
    ),
    Action("alert", "Ask those who see your keys for attention", Where.CHAT, slash="alert"),
    Action("admit", "Let in somebody who has no key", Where.CHAT, slash="admit", argument="[NAME]"),
    Action("refuse", "Send away somebody who has no key and asks", Where.CHAT, slash="refuse", argument="[NAME]"),
    Action(
        "send",
        "Offer files or folders to those who are here",
        Where.CHAT,
        ("ctrl+o",),
        short="send",
        slash="send",
        argument="[PATH...]",
    ),
    Action("files", "Show all transfers", Where.EVERYWHERE, ("f4",), short="files", slash="files"),
    Action(
        "verify",
        "Compare safety words with somebody",
        Where.EVERYWHERE,
        ("f5",),
        short="verify",
        slash="verify",
        argument="[NAME]",
    ),
    Action("safety", "List the safety words of everybody here", Where.CHAT, slash="safety"),
    Action("contacts", "Show everybody whose key is known", Where.EVERYWHERE, slash="contacts"),
    Action("rename", "Give a contact a name of your own", Where.CHAT, slash="rename", argument="NAME PETNAME"),
    Action("forget", "Forget a contact: its key will be new again", Where.CHAT, slash="forget", argument="NAME"),
    Action("block", "Have nothing to do with a contact any more", Where.CHAT, slash="block", argument="NAME"),
    Action("unblock", "Take a block back", Where.CHAT, slash="unblock", argument="NAME"),
    Action("invite", "Show the link that lets others into this room", Where.CHAT, slash="invite"),
    Action("put_away", "Put the warning shown away", Where.CHAT, slash="dismiss"),
    Action("accept", "Accept the offer shown, or into another folder", Where.CHAT, slash="accept", argument="[FOLDER]"),
    Action("decline", "Decline the offer shown", Where.CHAT, slash="decline"),
    Action("who", "List who is here, with key tag and state", Where.CHAT, slash="who"),
    Action("mute", "Put no alert of this peer on the screen", Where.CHAT, slash="mute", argument="NAME"),
    Action("unmute", "Take that back", Where.CHAT, slash="unmute", argument="NAME"),
    Action("theme", "Show the next theme, or this one", Where.EVERYWHERE, slash="theme", argument="[NAME]"),
    Action("page_back", "Look back in the conversation", Where.CHAT, ("pageup",)),
    Action("page_on", "Look on", Where.CHAT, ("pagedown",)),
    Action("newest", "Go to the newest message", Where.CHAT, ("ctrl+end", "ctrl+g")),
    Action("quit", "Say goodbye and leave", Where.EVERYWHERE, ("ctrl+q",), short="quit", slash="quit"),
    Action("back", "Back to the conversation, and to writing", Where.EVERYWHERE, ("escape",)),
    Action("submit", "Send, or run the command", Where.COMPOSER, ("enter",)),
    Action("newline", "Begin a new line", Where.COMPOSER, ("ctrl+j", "shift+enter", "alt+enter")),
    Action("edit", "Write in your editor ($VISUAL or $EDITOR)", Where.CHAT, ("f9",), slash="edit"),
    Action("older", "On the first line: what you wrote before", Where.COMPOSER, ("up",)),
    Action("newer", "On the last line: back to what you were writing", Where.COMPOSER, ("down",)),
    Action("complete", "Complete a path, or go to the warning or the offer", Where.COMPOSER, ("tab",)),
    Action("retract", "Twice: give the line up; others stop seeing it", Where.COMPOSER, ("escape",)),
    Action("older", "Go to what was found before it", Where.SEARCH, ("enter", "f3", "up"), short="older"),
    Action("newer", "Go to what was found after it", Where.SEARCH, ("shift+f3", "down"), short="newer"),
    Action("leave", "Back to where you were, and to writing", Where.SEARCH, ("escape",), short="back"),
    Action("accept", "Accept, or go on where it was interrupted", Where.OFFER, ("enter",), short="accept"),
    Action("choose", "Choose from what is offered", Where.OFFER, ("s",), short="choose"),
    Action("other_folder", "Accept into another folder", Where.OFFER, ("o",), short="other folder"),
    Action("decline", "Decline", Where.OFFER, ("d",), short="decline"),
    Action("discard", "Discard what is here of an interrupted one", Where.OFFER, ("x",), short="discard"),
    Action("existing", "What happens to names that are taken", Where.OFFER, ("e",), short="existing"),
    Action("preserve", "Keep modification times and executable bits", Where.OFFER, ("p",), short="preserve times"),
    Action("back", "Back to writing", Where.OFFER, ("tab",), short="back"),
    Action("put_away", "Put the warning away; it stays in the conversation", Where.ALARM, ("x",), short="put away"),
    Action("back", "Back to writing", Where.ALARM, ("tab",), short="back"),
    Action("choose_line", "Choose a file or a folder, or take it back", Where.CHOOSE, ("space",), short="choose"),
    Action("accept", "Accept what is chosen", Where.CHOOSE, ("enter",), short="accept"),
    Action("all", "Choose everything listed", Where.CHOOSE, ("a",), short="all"),
    Action("none", "Choose nothing of what is listed", Where.CHOOSE, ("n",), short="none"),
    Action("filter", "List only what a pattern fits", Where.CHOOSE, ("slash",), short="filter"),
    Action("open", "Open a folder", Where.CHOOSE, ("right", "l"), short="open"),
    Action("close", "Close a folder", Where.CHOOSE, ("left", "h"), short="close"),
    Action("leave", "Back to the offer", Where.CHOOSE, ("escape",), short="back"),
    Action("take", "Take the folder that is shown", Where.FOLDER, ("enter",), short="take"),
    Action("into", "Go into a folder", Where.FOLDER, ("right", "l"), short="in"),
    Action("up", "Go up", Where.FOLDER, ("left", "h", "backspace"), short="up"),
    Action("hidden", "Show hidden files, or not", Where.FOLDER, ("full_stop",), short="hidden"),
    Action("type", "Type a path", Where.FOLDER, ("slash", "tilde"), short="type a path"),
    Action("leave", "Back to the offer", Where.FOLDER, ("escape",), short="back"),
    Action("take", "Offer what is chosen, or the marked file", Where.PICKER, ("enter",), short="offer"),
    Action("select", "Choose a file or a folder, or take it back", Where.PICKER, ("space",), short="choose"),
    Action("into", "Go into a folder", Where.PICKER, ("right", "l"), short="in"),
    Action("up", "Go up", Where.PICKER, ("left", "h", "backspace"), short="up"),
    Action("whom", "Offer it to another", Where.PICKER, ("t",), short="to whom"),
    Action("hidden", "Show hidden files, or not", Where.PICKER, ("full_stop",), short="hidden"),
    Action("type", "Type a path", Where.PICKER, ("slash", "tilde"), short="type a path"),
    Action("leave", "Offer nothing", Where.PICKER, ("escape",), short="back"),
    Action("offer", "Offer the files", Where.DROP, ("enter",), short="offer"),
    Action("insert", "Insert what was pasted as text", Where.DROP, ("i",), short="insert as text"),
    Action("leave", "Do neither", Where.DROP, ("escape",), short="neither"),
    Action(
        "details",
        "Accept an offer, or show what a transfer consists of",
        Where.FILES,
        ("enter",),
        short="accept or details",
    ),
    Action("pause", "Pause", Where.FILES, ("p",), short="pause"),
    Action("resume", "Resume", Where.FILES, ("r",), short="resume"),
    Action("cancel", "Cancel, or decline an offer", Where.FILES, ("c",), short="cancel or decline"),
    Action("discard", "Discard what is here of an interrupted one", Where.FILES, ("x",), short="discard"),
    Action("same", "The words are the same: mark as verified", Where.VERIFY, ("enter", "v"), short="same words"),
    Action("different", "The words differ: what that means, and block", Where.VERIFY, ("d",), short="different"),
    Action("rename", "Give the contact a name of your own", Where.CONTACTS, ("r",), short="rename"),
    Action("verified", "Mark as verified", Where.CONTACTS, ("v",), short="verified"),
    Action("forget", "Forget the contact", Where.CONTACTS, ("f",), short="forget"),
    Action("block", "Block the contact, or take it back", Where.CONTACTS, ("b",), short="block or unblock"),
    Action("auto_accept", "Accept its small offers without asking", Where.CONTACTS, ("a",), short="auto-accept"),
    Action("sees_keys", "Let it see keys: never, ask, always", Where.CONTACTS, ("l",), short="sees keys"),
    Action("copy", "Hand the link to the terminal's clipboard", Where.INVITE, ("c",), short="copy"),
    Action("whose", "Show own lines as well, or only those of others", Where.CAPTIONS, ("o",), short="own lines"),
    Action("leave", "Back to the conversation", Where.CAPTIONS, ("escape", "f7"), short="back"),
    Action("yes", "Yes", Where.QUESTION, ("y",)),
    Action("no", "No", Where.QUESTION, ("n", "escape")),
    Action("keep", "Keep what is written", Where.NAMING, ("enter",), short="keep"),
    Action("leave", "Leave it as it was", Where.NAMING, ("escape",), short="leave it as it was"),
    Action("leave", "Leave", Where.FAILURE, ("enter", "escape", "q")),
)

SLASH: Final = {action.slash: action for action in ACTIONS if action.slash}
"""Actions by slash command."""


def bindings(where: Where) -> list[BindingType]:
    """The key bindings of a place, for its class attribute `BINDINGS`."""
    return [
        Binding(",".join(action.keys), action.name, action.title, show=False)
        for action in ACTIONS
        if action.where is where and action.keys
    ]


def key_name(key: str) -> str:
    """A key as it is written on screen: `ctrl+p` is `^P`, `f1` is `F1`, `escape` is `Esc`."""
    names = {"escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "enter": "Enter", "tab": "Tab"}
    names |= {"space": "Space", "backspace": "Backspace", "left": "←", "right": "→", "up": "↑", "down": "↓"}
    names |= {"slash": "/", "full_stop": ".", "tilde": "~"}
    *modifiers, last = key.split("+")
    last = names.get(last, last.upper() if last[:1] == "f" and last[1:].isdigit() else last)
    if modifiers == ["ctrl"] and len(last) == 1:
        return f"^{last.upper()}"
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last.capitalize() if modifiers else last])


def usage(action: Action) -> str:
    """The slash command as one types it: `/send PATH...`."""
    return f"/{action.slash} {action.argument}".rstrip()
