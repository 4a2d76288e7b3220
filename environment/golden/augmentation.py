"""Writes what TextAttack 0.3.10 itself makes of some texts, for ttp-lib's tests.

    pip download --no-deps textattack==0.3.10 -d wheel && unzip -d textattack wheel/*.whl
    pip install numpy==2.4.6
    python augmentation.py textattack > ../../ttp-lib/tests/golden/augmentation.json

Only its text class and its word splitting run. What they import and do not use here
(torch, flair, the rest of TextAttack) is replaced by empty modules, so that neither a
gigabyte of libraries nor a model is needed. (Chinese is left out: its segmentation
needs a dictionary.)
"""

import importlib.util
import json
import pathlib
import platform
import sys
import types
from unittest import mock

TEXTS = [
    "Chimera has used net user for account discovery.",
    "APT29's implant (a.k.a. \"HAMMERTOSS\") beacons over HTTPS; it sleeps, then retries.",
    "Runs `net user /domain` -- and then take-home tools!",
    "Writes to HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run.",
    "Drops C:\\Users\\Public\\evil.exe and /tmp/.x, see hxxp://evil[.]example/a?b=c.",
    "CVE-2021-44228 was exploited by foo@example.com, T1059.001, 10.0.0.1.",
    "hello hello hello",
    "word",
    "",
    "   ",
    "...!?",
    "-- '' __ **",
    "-enc 'quoted' __init__ *bold* @handle end- it's",
    "snake_case_name and a*b*c and x@y",
    "tabs\tand\nnew  lines   and   blanks",
    " leading and trailing ",
    "naïve Ünïcode Ελληνικά русский łódź",
    "שלום עולם, מה שלומך?",
    "مرحبا بالعالم",
    "हिन्दी भाषा",
    "emoji 😀 between 👩‍💻 words 🇺🇳",
    "control \u0000 and \u0007bell \u001b[31mred\u001b[0m",
    "curly ’quotes’ don’t — dashes – too",
    "half ½ and ² and Ⅷ and ٣",
    "a×b ˗c `d`",
    "zero\u200bwidth no\u00a0break soft\u00adhyphen",
    "ends with a word",
    "(One) [two], {three}: \"four\" <five>",
]


def load(folder: pathlib.Path):
    """The text class and the word splitting, out of an unpacked wheel."""
    for name in ["flair", "flair.data", "jieba", "torch", "textattack", "textattack.shared",
                 "textattack.shared.utils", "textattack.shared.utils.importing"]:
        sys.modules[name] = mock.MagicMock(__path__=[], __spec__=None)
    sys.modules["flair.data"].Tokenizer = object

    def module(name: str, path: pathlib.Path) -> types.ModuleType:
        spec = importlib.util.spec_from_file_location(name, path)
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[name] = loaded
        spec.loader.exec_module(loaded)
        return loaded

    shared = folder / "textattack" / "shared"
    strings = module("textattack.shared.utils.strings", shared / "utils" / "strings.py")
    sys.modules["textattack.shared.utils"].words_from_text = strings.words_from_text
    attacked = module("textattack.shared.attacked_text", shared / "attacked_text.py")
    return strings.words_from_text, attacked.AttackedText


def edits(text: str, attacked_text) -> dict:
    """One edit of each kind at each place."""
    attacked = attacked_text(text)
    words = attacked.words
    places = range(len(words))
    return {
        "removed": [attacked.delete_word_at_index(i).text for i in places] if len(words) > 1 else [],
        "replaced": [attacked.replace_word_at_index(i, "NEW").text for i in places],
        "inserted": [attacked.insert_text_before_word_index(i, "NEW").text for i in places],
        "swapped_with_next": [
            attacked.replace_word_at_index(i, words[i + 1]).replace_word_at_index(i + 1, words[i]).text
            for i in places[:-1]
        ],
    }


def main() -> None:
    words_from_text, attacked_text = load(pathlib.Path(sys.argv[1]))
    cases = []
    for text in TEXTS:
        cases.append({"text": text, "words": words_from_text(text), **edits(text, attacked_text)})
    result = {"textattack": "0.3.10", "python": platform.python_version(), "cases": cases}
    json.dump(result, sys.stdout, ensure_ascii=True, indent=1)
    print()


if __name__ == "__main__":
    main()
