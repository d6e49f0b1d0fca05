r"""The border for text that somebody else wrote: peer text in, text that may be shown out.

Names, messages, live text, file names and reasons of others reach a terminal, a log or a file name only through here.
A terminal obeys control characters; bidirectional controls make text read differently from what it is; invisible
characters make two names look alike. None of them leave this module.

    newlines                    kept: CR LF, CR, U+0085, U+2028 and U+2029 become LF
    tab                         four spaces
    C0 controls, DEL            their pictures, U+2400 to U+2421
    C1 controls                 spelled out: `\x9b`
    surrogates, noncharacters   U+FFFD
    invisible characters        removed: bidirectional controls, soft hyphen, zero-width space, BOM, tags, Hangul filler
    left alone                  variation selectors, flags of regions, and U+200C and U+200D unless they follow ASCII,
                                where they do nothing: emoji and many scripts need them
    combining marks             at most 16 in a row; those that begin a line get a dotted circle to stand on

The result is plain text, not markup: it may still hold `[bold]`, `<b>` or `../`.
"""

from __future__ import annotations

from typing import Final

import regex

TAB: Final = "    "
"""What a tab becomes. Tab stops would depend on the column, which nobody knows here."""

MARKS_IN_A_ROW: Final = 16
"""Most combining characters after one another. Written languages need under ten; hundreds paint over other lines."""

LINE_CHARACTERS: Final = 200
"""Default length of a line: the longest reason, and more than two rows of a terminal of 80 columns."""

REPLACEMENT: Final = "\ufffd"

_NEWLINE: Final = regex.compile("\r\n|[\r\x85\u2028\u2029]")

# A flag of a region (UTS #51, tag sequences) is the one use of tag characters that a reader can see.
_FLAG: Final = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_UNWANTED: Final = regex.compile(
    rf"(?V1)(?P<flag>{_FLAG})"
    r"|(?P<control>[\x00-\x09\x0b-\x1f\x7f-\x9f])"
    r"|(?P<invisible>[[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]--[\u200c\u200d\p{Variation_Selector}]])"
    r"|(?P<invalid>[\p{Surrogate}\p{Noncharacter_Code_Point}])"
)
_IDLE_JOINER: Final = regex.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]+")
_MARKS: Final = regex.compile(rf"([\p{{M}}\u200c\u200d]{{{MARKS_IN_A_ROW}}})[\p{{M}}\u200c\u200d]+")
_LEADING_MARK: Final = regex.compile(r"(?m)^(?=\p{M})")
_DOTTED_CIRCLE: Final = "\u25cc"
_VISIBLE: Final = regex.compile(r"[^\s\u2800\u200c\u200d]")
"""U+2800 is the braille pattern without dots: it is drawn as a space, and is none."""

_CLUSTER: Final = regex.compile(r"\X")


def safe_text(text: str) -> str:
    """Makes text of others fit to be shown, keeping its lines.

    Applying it twice changes nothing more. The result holds no control character but newline, and is at most four
    times as long as the input. Nothing is raised, whatever the text.
    """
    if text.isascii() and text.isprintable():
        return text
    cleaned: str = _UNWANTED.sub(_replacement, _NEWLINE.sub("\n", text))
    cleaned = _MARKS.sub(r"\1", _IDLE_JOINER.sub("", cleaned))
    return str(_LEADING_MARK.sub(_DOTTED_CIRCLE, cleaned))


def safe_line(text: str, limit: int = LINE_CHARACTERS) -> str:
    """Makes text of others fit for one line, such as a name or a reason.

    Newlines become spaces, and spaces at both ends go. Text of which nothing would be seen becomes U+FFFD, so that
    only the empty text gives the empty text.

    Args:
        text: what somebody else wrote.
        limit: most characters of the result, 1 or more. Longer text is cut between two grapheme clusters and ends in
            an ellipsis.
    """
    line = safe_text(text).replace("\n", " ").strip()
    line = _LEADING_MARK.sub(_DOTTED_CIRCLE, line)
    if text and _VISIBLE.search(line) is None:
        return REPLACEMENT
    return line if len(line) <= limit else _cut(line, limit - 1) + "…"


def _replacement(match: regex.Match[str]) -> str:
    character: str = match[0]
    match match.lastgroup:
        case "flag":
            return character
        case "invisible":
            return ""
        case "invalid":
            return REPLACEMENT
    code = ord(character)
    if code == 0x09:
        return TAB
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\x{code:02x}"


def _cut(line: str, limit: int) -> str:
    """The longest beginning that has whole grapheme clusters and at most `limit` characters."""
    end = 0
    for cluster in _CLUSTER.finditer(line):
        if cluster.end() > limit:
            break
        end = cluster.end()
    return line[:end]
