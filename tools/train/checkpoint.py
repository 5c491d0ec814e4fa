"""Checkpoints: the reference's layout in one file, and a model folder of `samba convert` read back into its names."""
import json
import os

import numpy as np
import torch

from corpus import CorpusError
from model import Config

DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "U32": "<u4"}


def atomically(path, save):
    save(path + ".partial")
    os.replace(path + ".partial", path)


def save_model(model, path, iteration, dtype=torch.bfloat16):
    """The reference's layout: {"model": state dict, "hparams", "iter_num"}.

    Weights that were trained with the rounding in the loop want fp32: bf16 would move them before they are rounded.
    """
    weights = {name: weight.detach().to("cpu", dtype) for name, weight in model.state_dict().items()}
    weights["lm_head.weight"] = weights["transformer.wte.weight"]  # tied: stored once
    atomically(path, lambda at: torch.save(
        {"model": weights, "hparams": model.config.reference(), "iter_num": iteration}, at))


def load_file(path, device="cpu"):
    try:
        return torch.load(path, map_location=device)
    except (OSError, RuntimeError, EOFError) as error:
        raise CorpusError(f"{path}: no checkpoint ({error})")


def load_model(path):
    """Config and state dict in the reference's names, of a file of save_model or of a model folder."""
    if os.path.isdir(path):
        return _folder(path)
    checkpoint = load_file(path)
    try:
        return Config.of(checkpoint["hparams"]), checkpoint["model"]
    except (KeyError, TypeError) as error:
        raise CorpusError(f"{path}: not a model.pth of train.py (no {error}): want one, or a model folder")


def _json(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise CorpusError(f"{folder}: no model folder ({error}): `samba convert` makes one")


def _tensors(path):
    """All tensors of a safetensors file, bf16 widened to fp32."""
    try:
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
            data = file.read()
        found = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            values = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]])
            if entry["dtype"] == "BF16":
                values = (values.astype(np.uint32) << 16).view(np.float32)
            found[name] = values.reshape(entry["shape"])
        return found
    except (OSError, ValueError, KeyError) as error:
        raise CorpusError(f"{path}: not a safetensors file that can be read here ({error!r})")


def _dequantize(codes, scales, biases, columns):
    """w = scale q + bias by groups along a row, as MLX packs them: the first value in a word's lowest bits."""
    bits = codes.shape[1] * 32 // columns
    shifts = np.arange(0, 32, bits, dtype=np.uint32)
    q = (codes[:, :, None] >> shifts & np.uint32((1 << bits) - 1)).reshape(len(codes), scales.shape[1], -1)
    w = scales[:, :, None].astype(np.float32) * q.astype(np.float32) + biases[:, :, None].astype(np.float32)
    return w.reshape(len(codes), columns)


def _folder(path):
    fields = _json(path, "config.json")
    index = _json(path, "model.safetensors.index.json")
    try:
        kinds = fields["layer_types"]
        heads, groups, size = fields["num_attention_heads"], fields["num_key_value_heads"], fields["head_dim"]
        if "mamba" in kinds and kinds != ["mamba", "sliding_attention"] * (len(kinds) // 2) or fields.get("mamba_expand", 2) != 2:
            raise CorpusError(f"{path}: layers {kinds}: want Mamba and sliding-window attention in turn, or attention alone")
        config = Config(
            block_size=fields["max_position_embeddings"], vocab_size=fields["vocab_size"], padding_multiple=1,
            n_layer=len(kinds), n_embd=fields["hidden_size"], n_head=heads, n_query_groups=groups,
            local_window=-1 if "full_attention" in kinds else fields["sliding_window"],
            intermediate_size=fields["intermediate_size"], mb_per_layer=2 if "mamba" in kinds else -1,
            nope=fields["rope_theta"] is None, norm_eps=fields["rms_norm_eps"]).check()
        files = sorted(set(index["weight_map"].values()))
    except (KeyError, TypeError) as error:
        raise CorpusError(f"{path}: config.json or the index lacks {error}")
    raw = {}
    for name in files:
        if os.path.basename(name) != name:
            raise CorpusError(f"{path}: the index names {name!r}, which is not in the folder")
        raw.update(_tensors(os.path.join(path, name)))
    columns = {"in_proj": config.n_embd, "x_proj": config.d_inner, "dt_proj": config.dt_rank, "out_proj": config.d_inner,
               "qkv_proj": config.n_embd, "o_proj": heads * size, "gate_up_proj": config.n_embd,
               "down_proj": config.intermediate_size, "embed_tokens": config.n_embd, "lm_head": config.n_embd}

    def get(name):
        try:
            values = raw[name]
            if values.dtype == np.uint32:
                stem = name[:-len(".weight")]
                values = _dequantize(values, raw[stem + ".scales"], raw[stem + ".biases"], columns[stem.split(".")[-1]])
        except KeyError as error:
            raise CorpusError(f"{path}: the tensor {error} is missing")
        return torch.from_numpy(values.astype(np.float32))

    state = {"transformer.wte.weight": get("embed_tokens.weight"), "transformer.ln_f.weight": get("norm.weight")}
    state["lm_head.weight"] = get("lm_head.weight") if "lm_head.weight" in raw else state["transformer.wte.weight"]
    for i, kind in enumerate(kinds):
        ours, theirs = f"layers.{i}.", f"transformer.h.{i}."
        state[theirs + "norm_1.weight"] = get(ours + "mixer_norm.weight")
        state[theirs + "norm_2.weight"] = get(ours + "mlp_norm.weight")
        w1, w2 = get(ours + "mlp.gate_up_proj.weight").chunk(2)
        state.update({theirs + "mlp.swiglu.w1.weight": w1, theirs + "mlp.swiglu.w2.weight": w2,
                      theirs + "mlp.swiglu.w3.weight": get(ours + "mlp.down_proj.weight")})
        if kind == "mamba":
            for name in ("in_proj.weight", "conv1d.bias", "x_proj.weight", "dt_proj.weight", "dt_proj.bias", "A_log", "D",
                         "out_proj.weight"):
                state[theirs + "attn." + name] = get(ours + "mixer." + name)
            state[theirs + "attn.conv1d.weight"] = get(ours + "mixer.conv1d.weight").unsqueeze(1)
            continue
        # Back to the reference's rows: a group's queries, then its key, then its value.
        q, k, v = get(ours + "mixer.qkv_proj.weight").split([heads * size, groups * size, groups * size])
        parts = [x.reshape(groups, -1, size, config.n_embd) for x in (q, k, v)]
        state[theirs + "attn.attn.weight"] = torch.cat(parts, 1).reshape(-1, config.n_embd)
        state[theirs + "attn.proj.weight"] = get(ours + "mixer.o_proj.weight")
    return config, state
