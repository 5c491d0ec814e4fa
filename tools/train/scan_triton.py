"""The selective scan in Triton, forward and backward.

One program walks one sequence's block of channels through time, a tile of TILE steps at once: within a tile the
linear recurrence is an associative scan over registers, and the state is handed from tile to tile. Batch and
channels fill the GPU. The forward pass stores the state at the start of every tile; the backward pass walks the
tiles from the last to the first and recomputes a tile's states from there, so no state of every step is ever stored.
Tiles are [TILE, d_state, BLOCK] with channels innermost, so that a warp's lanes hold channels and sums over
states mostly stay within a thread.
"""
import torch
import triton
import triton.language as tl

# Channels a program owns, steps it takes at once (also the distance of the stored states) and its warps; measured by
# bench.py. Both passes are handed it as arguments: what a compiled graph depends on must stand in the graph, since
# the compiler's cache outlives the process and would hand a graph of one shape to a run of another.
SHAPE = 32, 4, 2


def use(block, tile, warps):
    """Takes another shape for the scans that follow."""
    global SHAPE
    SHAPE = block, tile, warps


@triton.jit
def _follow(a1, b1, a2, b2):
    """The step h -> a2 h + b2 after the step h -> a1 h + b1."""
    return a1 * a2, a2 * b1 + b2


@triton.jit
def _sigmoid(v):
    return 1.0 / (1.0 + tl.exp(-v))


@triton.jit
def _softplus(v):
    # Above 20, softplus(v) = v in fp32, and exp would overflow further on.
    return tl.where(v > 20.0, v, tl.log(1.0 + tl.exp(tl.minimum(v, 20.0))))


@triton.jit
def _forward(x, dt, A, B, C, D, z, dt_bias, y, states, T, d_inner, tiles,
             x_batch, x_time, dt_batch, dt_time, B_batch, B_time, C_batch, C_time, z_batch, z_time,
             STATE: tl.constexpr, BLOCK: tl.constexpr, TILE: tl.constexpr):
    batch = tl.program_id(0).to(tl.int64)
    d = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    n = tl.arange(0, STATE)
    step = tl.arange(0, TILE)
    known = d < d_inner
    A_nd = tl.load(A + d[None, :] * STATE + n[:, None], mask=known[None, :], other=0.0)
    D_d = tl.load(D + d, mask=known, other=0.0)
    bias = tl.load(dt_bias + d, mask=known, other=0.0)
    first = (step == 0)[:, None, None]
    last = (step == TILE - 1)[:, None, None]
    h = tl.zeros([STATE, BLOCK], dtype=tl.float32)
    for tile in range(0, tiles):
        t = tile * TILE + step
        in_td = (t < T)[:, None] & known[None, :]
        in_tn = (t < T)[:, None] & (n >= 0)[None, :]
        x_t = tl.load(x + batch * x_batch + t[:, None] * x_time + d[None, :], mask=in_td, other=0.0).to(tl.float32)
        dt_t = tl.load(dt + batch * dt_batch + t[:, None] * dt_time + d[None, :], mask=in_td, other=0.0).to(tl.float32)
        z_t = tl.load(z + batch * z_batch + t[:, None] * z_time + d[None, :], mask=in_td, other=0.0).to(tl.float32)
        B_t = tl.load(B + batch * B_batch + t[:, None] * B_time + n[None, :], mask=in_tn, other=0.0).to(tl.float32)
        C_t = tl.load(C + batch * C_batch + t[:, None] * C_time + n[None, :], mask=in_tn, other=0.0).to(tl.float32)
        at = ((batch * tiles + tile) * STATE + n[:, None]) * d_inner + d[None, :]
        tl.store(states + at, h, mask=known[None, :])
        delta = tl.where(in_td, _softplus(dt_t + bias[None, :]), 0.0)
        decay = tl.exp(delta[:, None, :] * A_nd[None, :, :])
        drive = (delta * x_t)[:, None, :] * B_t[:, :, None]
        drive = tl.where(first, drive + decay * h[None, :, :], drive)
        _, hs = tl.associative_scan((decay, drive), 0, _follow)
        h = tl.sum(tl.where(last, hs, 0.0), axis=0)
        y_t = tl.sum(hs * C_t[:, :, None], axis=1) + D_d[None, :] * x_t
        y_t = y_t * z_t * _sigmoid(z_t)
        tl.store(y + (batch * T + t[:, None]) * d_inner + d[None, :], y_t.to(y.dtype.element_ty), mask=in_td)


@triton.jit
def _backward(x, dt, A, B, C, D, z, dt_bias, states, dy, dx, ddt, dA, dB, dC, dD, dz, dbias, T, d_inner, tiles,
              x_batch, x_time, dt_batch, dt_time, B_batch, B_time, C_batch, C_time, z_batch, z_time,
              STATE: tl.constexpr, BLOCK: tl.constexpr, TILE: tl.constexpr):
    batch = tl.program_id(0).to(tl.int64)
    block = tl.program_id(1)
    blocks = tl.num_programs(1)
    d = block * BLOCK + tl.arange(0, BLOCK)
    n = tl.arange(0, STATE)
    step = tl.arange(0, TILE)
    known = d < d_inner
    A_nd = tl.load(A + d[None, :] * STATE + n[:, None], mask=known[None, :], other=0.0)
    D_d = tl.load(D + d, mask=known, other=0.0)
    bias = tl.load(dt_bias + d, mask=known, other=0.0)
    first = (step == 0)[:, None, None]
    last = (step == TILE - 1)[:, None, None]
    # g: the gradient of h at the first step of the tile after this one.
    g_after = tl.zeros([STATE, BLOCK], dtype=tl.float32)
    dA_sum = tl.zeros([STATE, BLOCK], dtype=tl.float32)
    dD_sum = tl.zeros([BLOCK], dtype=tl.float32)
    dbias_sum = tl.zeros([BLOCK], dtype=tl.float32)
    for back in range(0, tiles):
        tile = tiles - 1 - back
        t = tile * TILE + step
        in_td = (t < T)[:, None] & known[None, :]
        in_tn = (t < T)[:, None] & (n >= 0)[None, :]
        after_td = (t + 1 < T)[:, None] & known[None, :]
        row = (batch * T + t[:, None]) * d_inner + d[None, :]
        x_t = tl.load(x + batch * x_batch + t[:, None] * x_time + d[None, :], mask=in_td, other=0.0).to(tl.float32)
        dt_t = tl.load(dt + batch * dt_batch + t[:, None] * dt_time + d[None, :], mask=in_td, other=0.0).to(tl.float32)
        dt_next = tl.load(dt + batch * dt_batch + (t[:, None] + 1) * dt_time + d[None, :],
                          mask=after_td, other=0.0).to(tl.float32)
        z_t = tl.load(z + batch * z_batch + t[:, None] * z_time + d[None, :], mask=in_td, other=0.0).to(tl.float32)
        B_t = tl.load(B + batch * B_batch + t[:, None] * B_time + n[None, :], mask=in_tn, other=0.0).to(tl.float32)
        C_t = tl.load(C + batch * C_batch + t[:, None] * C_time + n[None, :], mask=in_tn, other=0.0).to(tl.float32)
        dy_t = tl.load(dy + row, mask=in_td, other=0.0).to(tl.float32)
        at = ((batch * tiles + tile) * STATE + n[:, None]) * d_inner + d[None, :]
        h = tl.load(states + at, mask=known[None, :], other=0.0)

        # The tile's states again.
        raw = dt_t + bias[None, :]
        delta = tl.where(in_td, _softplus(raw), 0.0)
        decay = tl.exp(delta[:, None, :] * A_nd[None, :, :])
        drive = (delta * x_t)[:, None, :] * B_t[:, :, None]
        start = tl.where(first, drive + decay * h[None, :, :], drive)
        _, hs = tl.associative_scan((decay, start), 0, _follow)

        # Through the gate.
        open_t = _sigmoid(z_t)
        inner = tl.sum(hs * C_t[:, :, None], axis=1) + D_d[None, :] * x_t
        tl.store(dz + row, (dy_t * inner * open_t * (1.0 + z_t * (1.0 - open_t))).to(dz.dtype.element_ty), mask=in_td)
        dy_t = dy_t * z_t * open_t

        # g_t = C_t dy_t + exp(delta_{t+1} A) g_{t+1}, backwards in time.
        delta_next = tl.where(after_td, _softplus(dt_next + bias[None, :]), 0.0)
        decay_next = tl.exp(delta_next[:, None, :] * A_nd[None, :, :])
        own = dy_t[:, None, :] * C_t[:, :, None]
        own = tl.where(last, own + decay_next * g_after[None, :, :], own)
        _, g = tl.associative_scan((decay_next, own), 0, _follow, reverse=True)
        g_after = tl.sum(tl.where(first, g, 0.0), axis=0)

        partial = ((batch * blocks + block) * T + t[:, None]) * STATE + n[None, :]
        tl.store(dC + partial, tl.sum(hs * dy_t[:, None, :], axis=2), mask=in_tn)
        tl.store(dB + partial, tl.sum(g * (delta * x_t)[:, None, :], axis=2), mask=in_tn)
        gB = tl.sum(g * B_t[:, :, None], axis=1)
        tl.store(dx + row, (gB * delta + dy_t * D_d[None, :]).to(dx.dtype.element_ty), mask=in_td)
        carried = g * (hs - drive)  # g_t exp(delta_t A) h_{t-1}
        ddelta = gB * x_t + tl.sum(carried * A_nd[None, :, :], axis=1)
        draw = tl.where(in_td, ddelta * _sigmoid(raw), 0.0)
        tl.store(ddt + row, draw.to(ddt.dtype.element_ty), mask=in_td)
        dA_sum += tl.sum(carried * delta[:, None, :], axis=0)
        dD_sum += tl.sum(dy_t * x_t, axis=0)
        dbias_sum += tl.sum(draw, axis=0)
    tl.store(dA + batch * STATE * d_inner + n[:, None] * d_inner + d[None, :], dA_sum, mask=known[None, :])
    tl.store(dD + batch * d_inner + d, dD_sum, mask=known)
    tl.store(dbias + batch * d_inner + d, dbias_sum, mask=known)


def _strides(*tensors):
    """Batch and time strides; channels must lie side by side (views of a wider projection do)."""
    out = []
    for tensor in tensors:
        if tensor.stride(-1) != 1:
            raise ValueError(f"selective scan: channel stride {tensor.stride(-1)}, want 1")
        out += [tensor.stride(0), tensor.stride(1)]
    return out


def scan_forward(x, dt, A, B, C, D, z, dt_bias, block, tile, warps):
    """y [batch, T, d_inner] in x's type and the tiles' first states [batch, tiles, d_state, d_inner] fp32."""
    batch, T, d_inner = x.shape
    tiles, state = -(-T // tile), A.shape[1]
    y = torch.empty(batch, T, d_inner, dtype=x.dtype, device=x.device)
    states = torch.empty(batch, tiles, state, d_inner, dtype=torch.float32, device=x.device)
    _forward[(batch, -(-d_inner // block))](
        x, dt, A, B, C, D, z, dt_bias, y, states, T, d_inner, tiles, *_strides(x, dt, B, C, z),
        STATE=state, BLOCK=block, TILE=tile, num_warps=warps)
    return y, states


def scan_backward(x, dt, A, B, C, D, z, dt_bias, states, dy, block, tile, warps):
    """Gradients of x, dt, A, B, C, D, z and dt_bias, each in its tensor's type. tile is the one that made states."""
    batch, T, d_inner = x.shape
    state, blocks, device = A.shape[1], -(-d_inner // block), x.device
    dy = dy.contiguous()
    dx, ddt, dz = (torch.empty(batch, T, d_inner, dtype=like.dtype, device=device) for like in (x, dt, z))
    dB, dC = (torch.empty(batch, blocks, T, state, dtype=torch.float32, device=device) for _ in range(2))
    dA = torch.empty(batch, state, d_inner, dtype=torch.float32, device=device)
    dD, dbias = (torch.empty(batch, d_inner, dtype=torch.float32, device=device) for _ in range(2))
    _backward[(batch, blocks)](
        x, dt, A, B, C, D, z, dt_bias, states, dy, dx, ddt, dA, dB, dC, dD, dz, dbias, T, d_inner, states.shape[1],
        *_strides(x, dt, B, C, z), STATE=state, BLOCK=block, TILE=tile, num_warps=warps)
    return (dx, ddt, dA.sum(0).t().contiguous(), dB.sum(1).to(B.dtype), dC.sum(1).to(C.dtype), dD.sum(0), dz,
            dbias.sum(0))


def _register():
    """Makes the two passes one differentiable operator that torch.compile leaves whole."""
    forward = torch.library.custom_op("samba::selective_scan", scan_forward, mutates_args=(), schema=(
        "(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D, Tensor z, Tensor dt_bias, int block, int tile, "
        "int warps) -> (Tensor, Tensor)"))
    backward = torch.library.custom_op("samba::selective_scan_backward", scan_backward, mutates_args=(), schema=(
        "(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D, Tensor z, Tensor dt_bias, Tensor states, "
        "Tensor dy, int block, int tile, int warps) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"))

    @forward.register_fake
    def _(x, dt, A, B, C, D, z, dt_bias, block, tile, warps):
        tiles = -(-x.shape[1] // tile)
        return (x.new_empty(x.shape), x.new_empty(x.shape[0], tiles, A.shape[1], x.shape[2], dtype=torch.float32))

    @backward.register_fake
    def _(x, dt, A, B, C, D, z, dt_bias, states, dy, block, tile, warps):
        return tuple(torch.empty(like.shape, dtype=like.dtype, device=like.device)
                     for like in (x, dt, A, B, C, D, z, dt_bias))

    def save(ctx, inputs, output):
        *tensors, block, tile, warps = inputs
        ctx.save_for_backward(*tensors, output[1])
        ctx.shape = block, tile, warps

    def gradients(ctx, dy, _states):
        return *backward(*ctx.saved_tensors, dy, *ctx.shape), None, None, None

    forward.register_autograd(gradients, setup_context=save)
    return forward


_operator = None


def selective_scan_triton(x, dt, A, B, C, D, z, dt_bias):
    """scan.selective_scan_plain's function and gradients on a GPU; x, dt, z, B and C may be bf16."""
    global _operator
    if _operator is None:
        _operator = _register()
    return _operator(x, dt, A, B, C, D, z, dt_bias, *SHAPE)[0]
