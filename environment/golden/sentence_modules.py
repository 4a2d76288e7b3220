"""Golden vectors for ttp-lib/tests/suite/sentence_modules.rs, from sentence-transformers.

    python -m venv golden
    golden/bin/pip install torch==2.4.0 transformers==4.46.3 sentence-transformers==5.1.2 'numpy<2.3'
    golden/bin/python environment/golden/sentence_modules.py > \
        ttp-lib/tests/golden/sentence_modules.json

The Python that `make bench-mpnet` makes in the cache has the same versions.

One small model for each kind of pooling, layer, activation, prompt, case and length that a sentence
model's files can ask for. The weights follow from their names by the rule of
ttp-lib/tests/suite/common/random_checkpoint.rs; the file holds every other file of each folder, the
tensors' names and shapes, and what `SentenceTransformer(folder).encode(TEXTS)` gives, made length 1.
"""

import json
import sys
import tempfile
from pathlib import Path

import sentence_transformers
import torch
import transformers
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

sys.path.insert(0, str(Path(__file__).parent))
from parity import numbers

HIDDEN = 8
# What is drawn spreads by 0.018, too little for a model that tells texts apart.
FACTOR = 12
TEXTS = [
    "mail",
    "  The MAIL sends a Key. ",
    "a log reads the key and the mail sends the log, a key reads a log",
    "\u0130 key \u03a3\u03a3 \u2003",
]
WORDS = ["mail", "sends", "reads", "key", "log", "the", "and", "a", ".", ",", ":", "##s", "query",
         "MAIL", "The", "Key", "\u03c3\u03c2", "i", "\u0307", "##\u0307"]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
MPNET = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>", *WORDS]
# The bytes of ASCII letters, of a space, and of what is in no text; nothing is merged but two pairs.
LETTERS = [chr(c) for c in range(33, 127)] + ["\u0120", "\u00ce", "\u00a3", "\u00c4", "\u00b0", "\u00e2",
                                             "\u0122", "\u0125"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *LETTERS, "ma", "il"]
POOLING = {"word_embedding_dimension": HIDDEN, "pooling_mode_cls_token": False,
           "pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": False,
           "pooling_mode_mean_sqrt_len_tokens": False}
ACTIVATIONS = ["ELU", "GELU", "LeakyReLU", "Mish", "ReLU", "SiLU", "Sigmoid", "Tanh"]


def config(family, vocabulary, **changes):
    config = {
        "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "hidden_size": HIDDEN, "initializer_range": 0.02, "intermediate_size": 12,
        "layer_norm_eps": 1e-12, "max_position_embeddings": 32, "model_type": family,
        "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": len(vocabulary),
        "pad_token_id": 0 if family == "bert" else 1,
    }
    config.update({"relative_attention_num_buckets": 32} if family == "mpnet"
                  else {"type_vocab_size": 2})
    return {**config, **changes}


def tokenizer(family, lower_case=True, **more):
    """The files of a tokenizer as the oldest checkpoints have them."""
    if family == "roberta":
        ids = {token: at for at, token in enumerate(ROBERTA)}
        return {"vocab.json": ids, "merges.txt": "#version: 0.2\nm a\ni l\n",
                "tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer", **more}}
    words = BERT if family == "bert" else MPNET
    about = {"tokenizer_class": "BertTokenizer" if family == "bert" else "MPNetTokenizer",
             "do_lower_case": lower_case, **more}
    return {"vocab.txt": "\n".join(words) + "\n", "tokenizer_config.json": about}


def module(at, path, kind):
    return {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}


def pooling(*modes, **more):
    if modes == ("pooling_mode",):
        return {"word_embedding_dimension": HIDDEN, **more}
    return {**POOLING, **{f"pooling_mode_{mode}": True for mode in modes}, **more}


def dense(inner, outer, activation="torch.nn.modules.activation.Tanh", bias=True):
    about = {"in_features": inner, "out_features": outer, "bias": bias,
             "activation_function": activation}
    shapes = {"linear.weight": [outer, inner], **({"linear.bias": [outer]} if bias else {})}
    return "Dense", about, shapes


def layer_norm(size):
    return "LayerNorm", {"dimension": size}, {"norm.weight": [size], "norm.bias": [size]}


NORMALIZE = ("Normalize", None, {})


def kind(family="bert", modes=("mean_tokens",), steps=(NORMALIZE,), pooled=None, changes=None,
         transformer=None, settings=None, modules=True, inside="", lower_case=True, small=1,
         more=None):
    """A folder's files, and the shapes of its tensors by file."""
    vocabulary = {"bert": BERT, "roberta": ROBERTA, "mpnet": MPNET}[family]
    about = config(family, vocabulary, **(changes or {}))
    own = {"config.json": about, **tokenizer(family, lower_case, **(more or {}))}
    if transformer is not None:
        own["sentence_bert_config.json"] = transformer
    prefix = f"{inside}/" if inside else ""
    files = {prefix + name: content for name, content in own.items()}
    model = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**about))
    weights = {name: [*p.shape] for name, p in model.named_parameters()}
    tensors = {prefix + "model.safetensors": weights}
    listed = [module(0, inside, "Transformer"), module(1, "1_Pooling", "Pooling")]
    files["1_Pooling/config.json"] = pooled or pooling(*modes)
    for at, (name, about, shapes) in enumerate(steps, 2):
        path = f"{at}_{name}"
        listed.append(module(at, path, name if at % 2 else f"{name}.{name}"))
        if about:
            files[f"{path}/config.json"] = about
        if shapes:
            tensors[f"{path}/model.safetensors"] = shapes
    if settings is not None:
        files["config_sentence_transformers.json"] = settings
    if modules:
        files["modules.json"] = listed
    return {"family": family, "small": small, "files": files, "tensors": tensors}


def kinds():
    every = ["cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens",
             "lasttoken"]
    for mode in every:
        yield f"pooling_{mode}", kind(modes=(mode,))
    yield "pooling_of_several", kind(modes=every[::-1])
    yield "pooling_by_name", kind(pooled=pooling("pooling_mode", pooling_mode="Max"))
    yield "pooling_unsaid", kind(pooled=pooling("pooling_mode"))
    yield "not_normalised", kind(modes=("cls_token",), steps=())
    yield "no_modules", kind(modes=("cls_token",), modules=False, transformer={
        "max_seq_length": 4, "do_lower_case": True}, lower_case=False)
    yield "epsilon", kind(changes={"layer_norm_eps": 1e-5}, small=0.002)
    for name in ACTIVATIONS:
        step = dense(HIDDEN, 4, f"torch.nn.modules.activation.{name}")
        yield f"dense_{name}", kind(steps=(step, NORMALIZE))
    identity = dense(HIDDEN, 6, "torch.nn.modules.linear.Identity", bias=False)
    yield "dense_without_bias", kind(steps=(identity,))
    several = ("cls_token", "mean_tokens")
    yield "several_layers", kind(modes=several, steps=(
        NORMALIZE, dense(2 * HIDDEN, 6), ("Dropout", {"dropout": 0.3}, {}), layer_norm(6),
        dense(6, 5, "torch.nn.modules.linear.Identity"), NORMALIZE))
    yield "lower_case", kind(lower_case=False, transformer={
        "max_seq_length": 20, "do_lower_case": True})
    yield "cased", kind(lower_case=False, transformer={
        "max_seq_length": 20, "do_lower_case": False})
    yield "short", kind(transformer={"max_seq_length": 6, "do_lower_case": False})
    yield "as_long_as_the_tokenizer_says", kind(transformer={"max_seq_length": None},
                                                more={"model_max_length": 7})
    yield "cut_on_the_left", kind(transformer={"max_seq_length": 6, "do_lower_case": False},
                                  more={"truncation_side": "left"})
    prompts = {"query": "query: ", "passage": "the log: "}
    yield "prompt", kind(settings={"prompts": prompts, "default_prompt_name": "passage"})
    yield "prompts_without_default", kind(settings={"prompts": prompts})
    yield "prompt_that_does_not_count", kind(
        pooled=pooling("max_tokens", "mean_tokens", "weightedmean_tokens", include_prompt=False),
        settings={"prompts": prompts, "default_prompt_name": "query",
                  "similarity_fn_name": "cosine", "model_type": "SentenceTransformer"})
    yield "transformer_in_a_folder", kind(inside="0_Transformer", transformer={
        "max_seq_length": 8, "do_lower_case": False})
    yield "roberta", kind(family="roberta", modes=("cls_token", "mean_tokens"),
                          steps=(dense(2 * HIDDEN, 5), NORMALIZE),
                          changes={"layer_norm_eps": 1e-5, "max_position_embeddings": 80})
    yield "roberta_short", kind(family="roberta", modes=("max_tokens",), changes={
        "max_position_embeddings": 80}, transformer={"max_seq_length": 12})
    yield "mpnet", kind(family="mpnet", modes=("mean_tokens",), changes={"layer_norm_eps": 1e-5},
                        steps=(dense(HIDDEN, 4, "torch.nn.modules.activation.GELU"),),
                        settings={"prompts": prompts, "default_prompt_name": "query"},
                        transformer={"max_seq_length": 10, "do_lower_case": False})


def write(folder, name, about):
    for path, content in about["files"].items():
        path = folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content),
                        encoding="utf-8")
    for path, shapes in about["tensors"].items():
        tensors = {}
        for tensor, shape in shapes.items():
            factor = FACTOR
            if "LayerNorm" in tensor:
                factor = 1
            elif "embeddings." in tensor:
                factor *= about["small"]
            tensors[tensor] = factor * numbers(f"{name}/{path}/{tensor}", tuple(shape))
        save_file(tensors, folder / path, metadata={"format": "pt"})


def main():
    golden = {
        "versions": {"sentence_transformers": sentence_transformers.__version__,
                     "transformers": transformers.__version__, "torch": torch.__version__},
        "factor": FACTOR,
        "texts": TEXTS,
        "kinds": {},
    }
    for name, about in kinds():
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), name, about)
            model = SentenceTransformer(folder, device="cpu").eval()
            found = model.encode(TEXTS, convert_to_tensor=True, batch_size=4)
            # One at a time, too: a vector depends on its own text alone.
            alone = torch.stack([model.encode(text, convert_to_tensor=True) for text in TEXTS])
            assert torch.allclose(found, alone, atol=1e-6), name
            found = torch.nn.functional.normalize(found, dim=1)
            about["vectors"] = [[float(f"{x:.8f}") for x in row] for row in found.tolist()]
        golden["kinds"][name] = about
    # A line for each kind.
    kinds_ = ",\n".join(f"{json.dumps(name)}: {json.dumps(about, ensure_ascii=True)}"
                        for name, about in golden.pop("kinds").items())
    rest = json.dumps(golden, ensure_ascii=True)[:-1]
    print(rest + ', "kinds": {\n' + kinds_ + "\n}}")


if __name__ == "__main__":
    main()
