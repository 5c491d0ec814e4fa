"""Samba in PyTorch, with the names, shapes and initialisation of the reference code.

Even blocks mix with Mamba, odd blocks with sliding-window attention; an MLP follows each mixer:
`x += mixer(RMSNorm(x)); x += mlp(RMSNorm(x))`. The residual stream, norms, RoPE and scan are fp32;
matrix products run in bf16 where autocast says so. The paper's Transformer is the same code with attention in every
block (mb_per_layer -1) over everything before (local_window -1).
"""
import dataclasses
import json
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from corpus import CorpusError
from scan import selective_scan

D_STATE, D_CONV, EXPAND = 16, 4, 2
ROPE_BASE = 10000
NEAR = 8  # keys that a query sees in rows whose attention is held short: four layers of them hand on across 28 tokens
DT_MIN, DT_MAX, DT_FLOOR = 1e-3, 1e-1, 1e-4
FORGOTTEN = 30  # nats by which a state decays where a text of its own begins


@dataclasses.dataclass
class Config:
    """The reference's config fields that shape a Samba; intermediate_size is the MLP's inner width."""
    name: str = "Samba_33M"
    block_size: int = 4096
    vocab_size: int = 16384
    padding_multiple: int = 64
    n_layer: int = 8
    n_embd: int = 512
    n_head: int = 8
    n_query_groups: int = 2
    local_window: int = 2048
    intermediate_size: int = 1280
    mb_per_layer: int = 2
    nope: bool = False
    norm_eps: float = 1e-5

    @property
    def padded_vocab_size(self):
        return -(-self.vocab_size // self.padding_multiple) * self.padding_multiple

    @property
    def head_size(self):
        return self.n_embd // self.n_head

    @property
    def window(self):
        """Keys that a query sees at most, itself included."""
        return self.local_window if self.local_window > 0 else 1 << 30

    def mamba(self, index):
        """Whether block index mixes with Mamba."""
        return self.mb_per_layer > 0 and index % self.mb_per_layer == 0

    @property
    def d_inner(self):
        return EXPAND * self.n_embd

    @property
    def dt_rank(self):
        return math.ceil(self.n_embd / 16)

    def check(self):
        if self.n_embd % self.n_head or self.n_head % self.n_query_groups or self.head_size % 2:
            raise CorpusError(f"config: n_embd {self.n_embd}, n_head {self.n_head}, n_query_groups "
                              f"{self.n_query_groups}: want heads of equal even size in groups of equal size")
        if self.mb_per_layer not in (2, -1):
            raise CorpusError(f"config: mb_per_layer {self.mb_per_layer}: only 2 (every other block Mamba) and -1 (none) are "
                              "trained here")
        if self.local_window < 1 and self.local_window != -1:
            raise CorpusError(f"config: local_window {self.local_window}: want at least 1, or -1 for all that came before")
        return self

    @classmethod
    def load(cls, path):
        """Reads a JSON file of these fields (or {"config": fields}); fields of the reference not used here pass."""
        try:
            with open(path, encoding="utf-8") as file:
                data = json.load(file)
        except (OSError, ValueError) as error:
            raise CorpusError(f"{path}: no config ({error}): want JSON with the reference's fields")
        return cls.of(data.get("config", data))

    @classmethod
    def of(cls, fields):
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in fields.items() if key in known}).check()

    def reference(self):
        """All fields a reader of the reference's configs looks for."""
        return dict(
            dataclasses.asdict(self), org="samba-web", padded_vocab_size=self.padded_vocab_size,
            rotary_percentage=1.0, parallel_residual=False, bias=False, mlp=True, full_per_layer=1000000,
            ret_per_layer=-1, gla_per_layer=-1, mamba=False, sc_attn=False, rms_norm=True, residual_in_fp32=True,
            fused_add_norm=True, mamba_init=True, attn_layer_pos=None, use_mega=False, abl_mamba=False,
            mamba_swa_mlp=False, shared_attention_norm=False, _norm_class="FusedRMSNorm", _mlp_class="LLaMAMLP",
            condense_ratio=1)


class RMSNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def causal_conv(x, weight, bias, since=None):
    """Depthwise causal convolution, x [batch, T, channels], weight [channels, 1, width], as shifted sums.

    since [batch, T]: how many tokens back each may look."""
    width = weight.shape[-1]
    padded = F.pad(x, (0, 0, width - 1, 0))
    out = bias
    for k in range(width):
        tap = padded[:, k:k + x.shape[1]]
        if since is not None and k < width - 1:
            tap = tap * (since >= width - 1 - k).unsqueeze(-1)
        out = out + weight[:, 0, k] * tap
    return out


class Mamba(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner, rank = config.n_embd, config.d_inner, config.dt_rank
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, D_CONV, groups=inner, padding=D_CONV - 1)
        self.x_proj = nn.Linear(inner, rank + 2 * D_STATE, bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        self.A_log = nn.Parameter(torch.log(torch.arange(1, D_STATE + 1, dtype=torch.float32)).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)
        with torch.no_grad():
            spread = rank ** -0.5
            self.dt_proj.weight.uniform_(-spread, spread)
            dt = torch.exp(torch.rand(inner) * (math.log(DT_MAX) - math.log(DT_MIN)) + math.log(DT_MIN))
            dt = dt.clamp(min=DT_FLOOR)
            self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # softplus of it is dt

    def forward(self, u, rope, pace=None, since=None):
        x, z = self.in_proj(u).chunk(2, -1)
        x = F.silu(causal_conv(x, self.conv1d.weight, self.conv1d.bias, since)).to(z.dtype)
        dt, B, C = self.x_proj(x).split([self.dt_proj.in_features, D_STATE, D_STATE], -1)
        dt = F.linear(dt, self.dt_proj.weight)  # its bias is added in fp32, inside the scan
        A = -torch.exp(self.A_log.float())
        if pace is None and since is None:
            return self.out_proj(selective_scan(x, dt, A, B, C, self.D, z, self.dt_proj.bias))
        taken = x
        if pace is not None:
            dt, taken = stretch(taken, dt, A, self.dt_proj.bias, pace)
        if since is not None:
            dt, taken = restart(taken, dt, A, self.dt_proj.bias, since)
        y = selective_scan(taken, dt, A, B, C, self.D, z, self.dt_proj.bias)
        return self.out_proj(y + (self.D * (x - taken) * F.silu(z)).to(y.dtype))


def stretch(x, dt, A, bias, pace):
    """dt and x as if the token at t came pace[t] times in a row: the state decays as much and takes up as much.

    x, dt: [batch, T, d_inner]; A: [d_inner, d_state]; bias: [d_inner]; pace: [batch, T], 1 or more. A run of r equal
    tokens makes h -> a^r h + (1 + a + ... + a^(r-1)) delta B x with a = exp(delta A). The decay is exact; the sum is
    that of the channel's mean A. Returned dt is fp32: softplus(dt + bias) is r delta, which may be tiny.
    """
    delta = F.softplus(dt.float() + bias)
    r = pace.unsqueeze(-1)
    longer = r * delta
    rate = -A.mean(-1)
    taken = torch.expm1(-longer * rate) / torch.expm1(-(delta * rate).clamp(min=1e-12)) / r
    return softplus_inverse(longer) - bias, (x * taken).to(x.dtype)


def softplus_inverse(v):
    """log(exp(v) - 1), which for large v is v."""
    return torch.where(v > 20, v, torch.log(torch.expm1(v.clamp(1e-12, 20))))


def restart(x, dt, A, bias, since):
    """dt and x such that the state knows nothing of what stands before a token whose since is 0.

    Shapes as in stretch; since: [batch, T]. There every channel's slowest state decays by exp(-FORGOTTEN), and x is so
    much smaller that delta B x is what it was. Returned dt is fp32.
    """
    delta = F.softplus(dt.float() + bias)
    enough = (FORGOTTEN / -A.amax(-1)).detach()
    first = (since == 0).unsqueeze(-1)
    return torch.where(first, softplus_inverse(enough) - bias, dt.float()), torch.where(first, x * (delta / enough), x).to(x.dtype)


BLOCK = 128  # queries and keys that flex_attention takes together


class Apart:
    """flex_attention's mask for rows of several texts. Its tensors are overwritten for each batch: were they new ones, the
    compiled blocks would be compiled again."""

    def __init__(self, window, rows, T, device):
        if T % BLOCK:
            raise CorpusError(f"rows of {T} tokens: want a multiple of {BLOCK} to keep dialogues apart")
        self.window = window
        self.ages = torch.zeros(rows, T, dtype=torch.int32, device=device)
        self.kept = None

    def blocks(self):
        """For each block of queries, the blocks of keys that some of it see, and those that all of it see whole:
        their numbers [rows, 1, blocks] and places [rows, 1, blocks, blocks], twice."""
        rows, T = self.ages.shape
        count = T // BLOCK
        first = (torch.arange(T, device=self.ages.device, dtype=torch.int32) - self.ages).view(rows, 1, count, BLOCK)
        block = torch.arange(count, device=self.ages.device, dtype=torch.int32)
        query, key = block.view(1, 1, count, 1), block.view(1, 1, 1, count)
        seen = (key <= query) & (key >= first.amin(-1, keepdim=True) // BLOCK)
        whole = (key < query) & (key * BLOCK >= first.amax(-1, keepdim=True))
        def ordered(chosen):
            return chosen.sum(-1, dtype=torch.int32), chosen.int().sort(dim=-1, descending=True, stable=True)[1].int()
        return *ordered(seen & ~whole), *ordered(whole)

    def mask(self, since):
        """The mask for this since [rows, T]."""
        from torch.nn.attention.flex_attention import BlockMask
        torch.clamp(since, max=self.window - 1, out=self.ages)
        ages = self.ages
        fresh = BlockMask.from_kv_blocks(*self.blocks(), BLOCK_SIZE=BLOCK,
                                         mask_mod=lambda b, h, q, k: (q >= k) & (q - k <= ages[b, q]))
        if self.kept is None:
            self.kept = fresh
        else:
            for name in ("kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices",
                         "q_num_blocks", "q_indices", "full_q_num_blocks", "full_q_indices"):
                getattr(self.kept, name).copy_(getattr(fresh, name))
        return self.kept


def rope_tables(length, head_size, base, device=None):
    """cos and sin [length, head_size/2] in fp32, from float64 angles."""
    theta = base ** (-torch.arange(0, head_size, 2, dtype=torch.float64) / head_size)
    angles = torch.arange(length, dtype=torch.float64).unsqueeze(1) * theta
    return torch.cos(angles).float().to(device), torch.sin(angles).float().to(device)


def rotate(x, cos, sin):
    """NeoX half-split rotation of x [batch, T, heads, head_size], in fp32, back in x's type."""
    one, two = x.float().chunk(2, -1)
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return torch.cat([one * cos - two * sin, two * cos + one * sin], -1).to(x.dtype)


def window_attention_plain(q, k, v, window, since=None):
    """Causal attention over the last `window` keys, the query's own included, and no more than since [batch, T] before it.
    q [batch, heads, T, size]."""
    share = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(share, 1), v.repeat_interleave(share, 1)
    T = q.shape[2]
    age = torch.arange(T, device=q.device).unsqueeze(1) - torch.arange(T, device=q.device)
    scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
    scores = scores.masked_fill((age < 0) | (age >= window), float("-inf"))
    if since is not None:
        scores = scores.masked_fill((age > since.unsqueeze(-1)).unsqueeze(1), float("-inf"))
    return torch.softmax(scores, -1).to(v.dtype) @ v


def window_attention(q, k, v, window, mask, since=None):
    """The same through flex_attention, where there is its mask for the window and since."""
    if mask is None:
        return window_attention_plain(q, k, v, window, since)
    from torch.nn.attention.flex_attention import flex_attention
    return flex_attention(q, k, v, block_mask=mask, enable_gqa=True)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.groups, self.share, self.size = config.n_query_groups, config.n_head // config.n_query_groups, config.head_size
        self.window, self.nope = config.window, config.nope
        self.attn = nn.Linear(config.n_embd, (config.n_head + 2 * self.groups) * self.size, bias=False)
        self.proj = nn.Linear(config.n_embd, config.n_embd, bias=False)

    def forward(self, u, rope, pace=None, since=None):
        cos, sin, masks, near = rope
        batch, T, width = u.shape
        # Rows of attn are interleaved: per KV group its queries, then its key, then its value.
        qkv = self.attn(u).view(batch, T, self.groups, self.share + 2, self.size)
        q, k, v = qkv.split([self.share, 1, 1], 3)
        q = q.reshape(batch, T, self.groups * self.share, self.size)
        k, v = k.squeeze(3), v.squeeze(3)
        if not self.nope:
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        y = window_attention(q[near:], k[near:], v[near:], self.window, masks[0], None if since is None else since[near:])
        if near:
            y = torch.cat([window_attention(q[:near], k[:near], v[:near], NEAR, masks[1]), y])
        return self.proj(y.transpose(1, 2).reshape(batch, T, width))


class SwiGLU(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.w1 = nn.Linear(config.n_embd, config.intermediate_size, bias=False)
        self.w2 = nn.Linear(config.n_embd, config.intermediate_size, bias=False)
        self.w3 = nn.Linear(config.intermediate_size, config.n_embd, bias=False)

    def forward(self, x):
        return self.w3(F.silu(self.w1(x)) * self.w2(x))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.swiglu = SwiGLU(config)

    def forward(self, x):
        return self.swiglu(x)


class Block(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        self.norm_1 = RMSNorm(config.n_embd, config.norm_eps)
        self.attn = Mamba(config) if config.mamba(index) else Attention(config)
        self.norm_2 = RMSNorm(config.n_embd, config.norm_eps)
        self.mlp = MLP(config)

    def forward(self, x, rope, pace=None, since=None):
        x = x + self.attn(self.norm_1(x), rope, pace, since)
        return x + self.mlp(self.norm_2(x))


class Samba(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config.check()
        self.lm_head = nn.Linear(config.n_embd, config.padded_vocab_size, bias=False)
        self.transformer = nn.ModuleDict(dict(
            wte=nn.Embedding(config.padded_vocab_size, config.n_embd),
            h=nn.ModuleList(Block(config, i) for i in range(config.n_layer)),
            ln_f=RMSNorm(config.n_embd, config.norm_eps)))
        nn.init.normal_(self.transformer.wte.weight, std=0.02)
        self.lm_head.weight = self.transformer.wte.weight
        # Linear layers keep PyTorch's default, kaiming-uniform with a = sqrt(5). What writes into the residual
        # stream is scaled down by the number of writers, as the reference does.
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if name.endswith(("out_proj.weight", "attn.proj.weight", "swiglu.w3.weight")):
                    weight /= math.sqrt(2 * config.n_layer)
        self._masks, self._apart = {}, {}

    def hidden(self, ids, flex=False, pace=None, near=0, since=None):
        """The normed final states [batch, T, n_embd] of ids [batch, T]; flex: attend through flex_attention.

        pace [batch, T]: how many times each token counts for the Mamba states; see stretch. In the first near rows,
        fewer than all, attention sees the last NEAR keys only, so that what lies further back must come by those states;
        these rows are one text each. since [batch, T]: how many tokens before each one it may know of, so that several
        texts in a row are computed as if each stood alone; None: the row is one text.
        """
        cos, sin, masks = self._tables(ids.shape[1], ids.device, flex)
        if flex and since is not None:
            key = ids.shape[0] - near, ids.shape[1], ids.device
            if key not in self._apart:
                self._apart[key] = Apart(self.config.window, *key)
            masks = self._apart[key].mask(since[near:]), masks[1]
        x = self.transformer.wte(ids).float()
        for block in self.transformer.h:
            x = block(x, (cos, sin, masks, near), pace, since)
        return self.transformer.ln_f(x)

    def forward(self, ids):
        """Logits [batch, T, padded_vocab_size]."""
        return self.lm_head(self.hidden(ids))

    def _tables(self, T, device, flex):
        key = (T, device, flex)
        if key not in self._masks:
            cos, sin = rope_tables(T, self.config.head_size, ROPE_BASE, device)
            masks = None, None
            if flex:
                from torch.nn.attention.flex_attention import create_block_mask

                def mask(window):
                    return create_block_mask(lambda b, h, q, k: (q >= k) & (q - k < window), None, None, T, T, device=device)
                masks = mask(self.config.window), mask(NEAR)
            self._masks[key] = cos, sin, masks
        return self._masks[key]

    def flops_per_token(self, T):
        """Forward and backward matrix operations a token, attention over its window included."""
        weights = sum(p.numel() for p in self.parameters() if p.dim() == 2)
        window = min(self.config.window, T)
        keys = (window * (window + 1) / 2 + (T - window) * window) / T
        attending = sum(not self.config.mamba(i) for i in range(self.config.n_layer))
        attention = attending * 4 * keys * self.config.n_embd
        return 6 * weights + 3 * attention


def decayed(name, weight):
    """Whether weight decay applies: to matrices only, not to norms, biases, A_log, D or the embedding."""
    return weight.dim() == 2 and not name.endswith(("A_log", "wte.weight"))
