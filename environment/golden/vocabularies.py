"""Golden token ids for ttp-lib/tests/suite/checkpoints.rs, from transformers.

    python -m venv golden && golden/bin/pip install transformers==4.46.3 tokenizers==0.20.3
    golden/bin/python environment/golden/vocabularies.py > ttp-lib/tests/golden/vocabularies.json

Folders of tokenizer files that are written here, each with the ids that
AutoTokenizer.from_pretrained gives a list of difficult texts. File contents that
several folders share stand under "contents", and the folders name them.
"""

import itertools
import json
import sys
import tempfile
from pathlib import Path

import tokenizers
import transformers

TEXTS = [
    "",
    " ",
    "The implant reads a key.",
    "the IMPLANT sends keylogs to C:\\Windows\\Temp\\a_b.exe, then waits",
    "naïve ÀPT-X façade résumé",
    "e\u0301 combining, İstanbul straße ﬁn",
    "日本語 malware 漢",
    "keys🔑 and 👩‍💻🇺🇦",
    "שלום عالم",
    "a\x00b\x07c\u200bd\ufeffe\u00adf\x85g\tkey\nlog\r\nreads",
    "[MASK] <mask> [SEP] </s> the <mask> key [CTI] <unk>[UNK]",
    "key" * 40,
    "unbelievable zzzzz qqq",
    "  two  spaces\u00a0and\u3000wide ",
    "don't we'll 203.0.113.7 CVE-2017-0144",
    "key " * 30,
]

SENTENCES = [
    "The implant sends the stolen documents to its server.",
    "It reads a key and logs keys, then waits for the implant.",
    "The malware and a keylogger read passwords from memory.",
]

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SEC = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
MPNET = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]


def word_pieces(special):
    """A vocabulary of special tokens, characters, words and endings of our own sentences."""
    words = sorted({word for s in SENTENCES for word in s.replace(".", "").replace(",", "").split()})
    letters = "abcdefghijklmnopqrstuvwxyzKTI0123456789.,:\\_-'éàï日漢语"
    pieces = ["##" + c for c in letters[:36]] + ["##s", "##log", "##logs", "##exe", "##i", "##é"]
    known = itertools.chain(special, letters, words, ["key", "log", "sends", "the"], pieces)
    return "".join(f"{token}\n" for token in dict.fromkeys(known))


def byte_pairs():
    """vocab.json and merges.txt of a byte-level BPE trained on our own sentences."""
    tokenizer = tokenizers.ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        SENTENCES, vocab_size=330, min_frequency=2, show_progress=False,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_model(folder)
        return [Path(folder, name).read_text(encoding="utf-8") for name in ("vocab.json", "merges.txt")]


def contents():
    vocabulary, merges = byte_pairs()
    bert = word_pieces(BERT)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "vocab.txt").write_text(bert, encoding="utf-8")
        cased = transformers.BertTokenizerFast(str(Path(folder, "vocab.txt")), do_lower_case=False)
        cased = cased.backend_tokenizer.to_str()
    return {"bert": bert, "sec": word_pieces(SEC), "mpnet": word_pieces(MPNET),
            "vocabulary": vocabulary, "merges": merges, "cased": cased}


def folders():
    """Name, model_type, and file names with the key of a content or an object of JSON."""
    roles = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), BERT))
    of_sec = dict(zip(("cls_token", "pad_token", "sep_token", "unk_token", "mask_token"), SEC))
    plain = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    size = len(word_pieces(BERT).splitlines())
    decoder = {str(i): {"content": t, "special": True, **plain} for i, t in enumerate(BERT)}
    decoder[str(size)] = {"content": "[CTI]", "special": False, **plain}
    pairs = {"vocab.json": "vocabulary", "merges.txt": "merges"}
    yield "uncased", "bert", {"vocab.txt": "bert"}
    yield "cased", "bert", {"vocab.txt": "bert", "tokenizer_config.json": {"do_lower_case": False}}
    yield "accents_and_chinese", "bert", {"vocab.txt": "bert", "tokenizer_config.json": {
        "do_lower_case": True, "strip_accents": False, "tokenize_chinese_chars": False}}
    yield "secbert", "bert", {"vocab.txt": "sec", "special_tokens_map.json": of_sec}
    yield "secbert_config", "bert", {"vocab.txt": "sec", "tokenizer_config.json": {
        **of_sec, "mask_token": {"__type": "AddedToken", "content": "<mask>", **plain, "lstrip": True},
        "do_lower_case": True}}
    yield "added", "bert", {"vocab.txt": "bert", "tokenizer_config.json": {
        **roles, "added_tokens_decoder": decoder, "do_lower_case": True}}
    yield "added_json", "bert", {"vocab.txt": "bert", "added_tokens.json": {"[CTI]": size}}
    yield "json", "bert", {"tokenizer.json": "cased", "tokenizer_config.json": {
        "do_lower_case": False, "tokenizer_class": "BertTokenizer"}}
    yield "json_overridden", "bert", {"tokenizer.json": "cased", "tokenizer_config.json": {
        "do_lower_case": True, "tokenizer_class": "BertTokenizer"}}
    yield "json_as_it_is", "bert", {"tokenizer.json": "cased", "tokenizer_config.json": {
        **roles, "do_lower_case": True, "tokenizer_class": "PreTrainedTokenizerFast"}}
    yield "roberta", "roberta", pairs
    yield "roberta_space", "roberta", {**pairs, "tokenizer_config.json": {"add_prefix_space": True}}
    yield "mpnet", "mpnet", {"vocab.txt": "mpnet"}
    yield "mpnet_cased", "mpnet", {"vocab.txt": "mpnet", "tokenizer_config.json": {"do_lower_case": False}}


def words(tokenizer, text):
    """Each word of the text, its number of tokens, and whether one of them is unknown."""
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    found = {}
    for id, word, offsets in zip(encoding["input_ids"], encoding.word_ids(), encoding["offset_mapping"]):
        found.setdefault(word, []).append((id, *offsets))
    return [[text[min(t[1] for t in ts):max(t[2] for t in ts)].strip(), len(ts),
             any(t[0] == tokenizer.unk_token_id for t in ts)] for ts in found.values()]


def golden(model_type, files, texts):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps({"model_type": model_type}))
        for name, content in files.items():
            text = texts[content] if isinstance(content, str) else json.dumps(content)
            Path(folder, name).write_text(text, encoding="utf-8")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        assert tokenizer.is_fast
        return {
            "model_type": model_type, "files": files, "size": len(tokenizer),
            "mask": tokenizer.mask_token_id, "padding": tokenizer.pad_token_id,
            "unknown": tokenizer.unk_token_id, "special": sorted(set(tokenizer.all_special_ids)),
            "ids": [tokenizer(text, truncation=True, max_length=60)["input_ids"] for text in TEXTS],
            "words": [words(tokenizer, text) for text in TEXTS],
        }


def main():
    texts = contents()
    out = json.dumps({
        "made_by": f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}",
        "texts": TEXTS, "contents": texts,
        "folders": {name: golden(kind, files, texts) for name, kind, files in folders()},
    }, separators=(",", ":"))
    # A line each, so that a change shows where it is.
    sys.stdout.write(out.replace('"ids":', '\n"ids":').replace('"words":', '\n"words":') + "\n")


if __name__ == "__main__":
    main()
