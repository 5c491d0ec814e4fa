"""Asks a checkpoint, or writes its logits for a check of the converted model. In fp32, on the CPU."""
import argparse
import json
import sys

import numpy as np
import torch

from checkpoint import load_model
from corpus import CorpusError
from data import CHAT_TEMPLATE
from model import Samba
from tokenizer import END_OF_TEXT, SPECIAL, TURN_END, Tokenizer


def load(path):
    config, weights = load_model(path)
    model = Samba(config)
    model.load_state_dict(weights)
    return model.float().eval()


def prompt_ids(tokenizer, question):
    """The ids that CHAT_TEMPLATE gives for one question of a user."""
    return ([tokenizer.turn_start] + tokenizer.encode("user\n" + question) + [tokenizer.turn_end] +
            tokenizer.encode("\n") + [tokenizer.turn_start] + tokenizer.encode("assistant\n"))


@torch.no_grad()
def generate(model, ids, stop, limit, temperature, top_p, generator):
    """Ids that follow; temperature 0 takes the likeliest. The whole text is run again for every token."""
    ids, made = list(ids), []
    while len(made) < limit:
        logits = model.lm_head(model.hidden(torch.tensor([ids]))[:, -1])[0]
        if temperature == 0:
            chosen = int(logits.argmax())
        else:
            chances, order = torch.softmax(logits / temperature, -1).sort(descending=True)
            chances[(chances.cumsum(0) - chances) > top_p] = 0
            chosen = int(order[torch.multinomial(chances / chances.sum(), 1, generator=generator)])
        if chosen in stop:
            break
        ids.append(chosen)
        made.append(chosen)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="model.pth of train.py, or a model folder")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--ask", nargs="*", default=[], help="questions, each answered as a chat of its own")
    parser.add_argument("--continue", dest="texts", nargs="*", default=[], help="texts to go on with")
    parser.add_argument("--tokens", type=int, default=80)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--top-p", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--logits", metavar="STEM", help="write STEM.json (ids, argmax) and STEM.logits.f32 of --ask's first prompt")
    parser.add_argument("--folder", help="write tokenizer_config.json and generation_config.json there")
    args = parser.parse_args()
    tokenizer = Tokenizer(args.tokenizer)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    if args.folder:
        with open(f"{args.folder}/tokenizer_config.json", "w") as file:
            json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": None, "eos_token": TURN_END,
                       "pad_token": END_OF_TEXT, "additional_special_tokens": SPECIAL, "add_bos_token": False,
                       "clean_up_tokenization_spaces": False, "chat_template": CHAT_TEMPLATE}, file, indent=1)
        with open(f"{args.folder}/generation_config.json", "w") as file:
            json.dump({"do_sample": True, "temperature": 0.3, "top_p": 0.9, "top_k": 40, "repetition_penalty": 1.05,
                       "max_new_tokens": 256, "eos_token_id": [tokenizer.turn_end, tokenizer.end]}, file, indent=1)
    model = load(args.model)
    if len(tokenizer) > model.config.padded_vocab_size:
        raise CorpusError(f"{args.tokenizer}: {len(tokenizer)} tokens, the model has {model.config.padded_vocab_size}")
    if args.logits:
        ids = prompt_ids(tokenizer, args.ask[0]) if args.ask else list(range(64))
        with torch.no_grad():
            logits = model(torch.tensor([ids]))[0].numpy().astype("<f4")
        logits.tofile(args.logits + ".logits.f32")
        with open(args.logits + ".json", "w") as file:
            json.dump({"config": model.config.reference(), "ids": ids, "argmax": np.argmax(logits, -1).tolist()}, file)
    stop = {tokenizer.end, tokenizer.turn_end}
    for question in args.ask:
        made = generate(model, prompt_ids(tokenizer, question), stop, args.tokens, args.temperature, args.top_p, generator)
        print(f"> {question}\n{tokenizer.decode(made)}\n", flush=True)
    for text in args.texts:
        made = generate(model, tokenizer.encode(text), stop, args.tokens, args.temperature, args.top_p, generator)
        print(f"{text}|{tokenizer.decode(made)}\n", flush=True)


if __name__ == "__main__":
    try:
        main()
    except CorpusError as error:
        sys.exit(f"sample.py: {error}")
