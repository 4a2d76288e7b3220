r"""Token ids of BERT's and SciBERT's own vocabularies, as transformers makes them:
ttp-lib/tests/golden/paper_vocabularies.json, for tests/suite/tokenization.rs.

    python -m venv golden && golden/bin/pip install transformers==4.46.3 tokenizers==0.20.3
    golden/bin/python environment/golden/paper_vocabularies.py data/raw/vocabularies > \
        ttp-lib/tests/golden/paper_vocabularies.json

The argument is the folder of the two vocabularies (`make data-vocabularies`). The texts are
our own.
"""

import json
import struct
import sys
import tempfile
from pathlib import Path

import tokenizers
import transformers

TEXTS = [
    "",
    "The implant exfiltrates credentials with PowerShell over HTTPS.",
    "APT-style SPEARPHISHING e-mails drop C:\\Windows\\Temp\\a_b.exe; rundll32 loads it",
    "Mimikatz reads LSASS memory, ipconfig and schtasks follow (T1003.001).",
    "naïve façade résumé, İstanbul straße ﬁn",
    "日本語 malware 漢 🔑",
    "don't we'll 203.0.113.7 CVE-2017-0144 0xDEADBEEF",
    "[MASK] and [SEP] stand for themselves; <mask> does not",
    "obfuscation " * 30,
]


def cased(path: Path) -> list[str]:
    """The pieces of blingfire's .i2w."""
    data = path.read_bytes()
    (end,), (count,) = struct.unpack_from("<I", data, 12), struct.unpack_from("<I", data, 96)
    offsets = struct.unpack_from(f"<{count + 1}I", data, 100)
    texts = data[100 + 4 * (count + 1):end]
    entries = [texts[a:b].decode() for a, b in zip(offsets, offsets[1:])]
    return [entry[1:] if entry.startswith(" ") else "##" + entry for entry in entries]


def ids(pieces: list[str], lower_case: bool) -> list[list[int]]:
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = Path(folder, "vocab.txt")
        vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
        tokenizer = transformers.BertTokenizerFast(str(vocabulary), do_lower_case=lower_case)
        # The slow one is BERT's own code, but for the tokens that stand for themselves.
        slow = transformers.BertTokenizer(str(vocabulary), do_lower_case=lower_case)
        found = [tokenizer(text, truncation=True, max_length=40)["input_ids"] for text in TEXTS]
        assert found == [slow(text, truncation=True, max_length=40)["input_ids"] for text in TEXTS]
        return found


def main() -> None:
    folder = Path(sys.argv[1])
    scibert = (folder / "scibert_scivocab_uncased.txt").read_text(encoding="utf-8")
    golden = {
        "made_by": f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}",
        "texts": TEXTS,
        "bert": ids(cased(folder / "bert_base_cased_tok.i2w"), False),
        "scibert": ids(scibert.rstrip("\n").split("\n"), True),
    }
    sys.stdout.write(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
