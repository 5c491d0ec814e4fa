"""The selective scan of Mamba: a plain version that autograd differentiates, and the door to the Triton one.

    delta = softplus(dt + dt_bias)                                  [batch, T, d_inner]
    h_t   = exp(delta_t A) h_{t-1} + delta_t B_t x_t                [batch, d_inner, d_state], h_{-1} = 0
    y_t   = (C_t . h_t + D x_t) SiLU(z_t)

x, dt, z: [batch, T, d_inner]; B, C: [batch, T, d_state]; A: [d_inner, d_state] (negative); D, dt_bias: [d_inner].
"""
import torch
import torch.nn.functional as F


def selective_scan_plain(x, dt, A, B, C, D, z, dt_bias):
    """The recurrence, one step of time after the other, in the parameters' precision."""
    kept, exact = x.dtype, A.dtype
    x, dt, B, C, z = (tensor.to(exact) for tensor in (x, dt, B, C, z))
    delta = F.softplus(dt + dt_bias)
    decay = torch.exp(delta.unsqueeze(-1) * A)
    drive = (delta * x).unsqueeze(-1) * B.unsqueeze(2)
    h = torch.zeros_like(decay[:, 0])
    rows = []
    # unbind: the gradient of indexing a step at a time would be a whole tensor of zeros a step.
    for a, b, c in zip(decay.unbind(1), drive.unbind(1), C.unsqueeze(2).unbind(1)):
        h = a * h + b
        rows.append((h * c).sum(-1))
    return ((torch.stack(rows, 1) + D * x) * F.silu(z)).to(kept)


def selective_scan(x, dt, A, B, C, D, z, dt_bias):
    """The scan on whatever device x lives on: Triton on a GPU, plain torch elsewhere."""
    if x.is_cuda:
        from scan_triton import selective_scan_triton
        return selective_scan_triton(x, dt, A, B, C, D, z, dt_bias)
    return selective_scan_plain(x, dt, A, B, C, D, z, dt_bias)
