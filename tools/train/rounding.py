"""Rounding in the loop: the forward and backward pass see the weights as `samba convert` will store them.

The same scale, bias and codes as model/quant/quant.go: groups of 64 along a row, w = scale q + bias with scale and bias in
F16, the best of the full range, shrunk ranges and least-squares refits by squared error. The gradient passes straight
through: it is taken at the rounded weights and moves the exact ones, which wait in `exact` meanwhile. No layer knows of
it, so neither the compiler nor DistributedDataParallel does.
"""
import torch

GROUP = 64
SHRINKS = {4: (1, 0.96, 0.92, 0.88, 0.84, 0.8, 0.75, 0.7, 0.65), 8: (1, 0.99)}
REFITS = 4
CHUNK = 1 << 17  # groups worked on at once: 64 MiB a tensor in fp64
WIDER = ("x_proj.weight", "dt_proj.weight")  # stay at 8 bits when all else has 4


def bits_of(name, weight, bits, embedding_bits):
    """Bits in which `samba convert --bits BITS --embedding-bits EMBEDDING_BITS` stores a weight; 32: not rounded.

    name is the reference's. What a group does not divide stays F16.
    """
    embedding = name.endswith(("wte.weight", "lm_head.weight"))
    if weight.dim() != 2 or name.endswith("A_log") or not bits:
        return 32
    if weight.shape[1] % GROUP:
        return 16
    return embedding_bits if embedding and bits == 4 else 8 if name.endswith(WIDER) else bits


def _half(v):
    """The nearest F16 to fp64 values by way of fp32, as fp64."""
    return v.float().half()


def _step(half, up):
    """The next F16 up or down, of values that are not the largest."""
    code = half.view(torch.int16).int()
    away = (code >= 0) == up  # from zero
    zero = (code & 0x7fff) == 0
    stepped = torch.where(zero, torch.full_like(code, 1 if up else -0x7fff), torch.where(away, code + 1, code - 1))
    return stepped.to(torch.int16).view(torch.float16)


def _levels(w, scale, bias, levels):
    return ((w - bias) * (1 / scale)).clamp_(0, levels).add_(0.5).floor_()


def _fit(w, bits):
    """Scale and bias [n, 1], fp64 holding F16 values, of groups w [n, GROUP] in fp64."""
    levels = float((1 << bits) - 1)
    low, high = w.amin(1, keepdim=True), w.amax(1, keepdim=True)
    best = [torch.ones_like(low), torch.zeros_like(low), torch.full_like(low, float("inf"))]

    def consider(scale, bias):
        scale, bias = scale.double(), bias.double()
        fit = (scale > 0) & torch.isfinite(scale) & torch.isfinite(bias)
        usable = torch.where(fit, scale, torch.ones_like(scale))
        error = (_levels(w, usable, bias, levels).mul_(usable).add_(bias).sub_(w)).square_().sum(1, keepdim=True)
        better = fit & (error < best[2])
        for i, value in enumerate((scale, bias, error)):
            best[i] = torch.where(better, value, best[i])

    # The range that certainly covers every weight: bias rounded down, scale rounded up.
    bias = _half(low)
    bias = torch.where(bias.double() <= low, bias, _step(bias, False))
    exact = (high - bias.double()) / levels
    scale = _half(exact)
    consider(torch.where(scale.double() >= exact, scale, _step(scale, True)), bias)
    middle = (low + high) / 2
    for shrink in SHRINKS[bits]:
        half = (high - low) / 2 * shrink
        consider(_half(2 * half / levels), _half(middle - half))
    n = float(w.shape[1])
    total = w.sum(1, keepdim=True)
    for _ in range(REFITS):  # where one does not help, the next is the same and does not, either
        q = _levels(w, best[0], best[1], levels)
        sq, sqq, sqw = q.sum(1, keepdim=True), q.square().sum(1, keepdim=True), (q * w).sum(1, keepdim=True)
        det = n * sqq - sq * sq
        solvable = det > 0
        scale = _half((n * sqw - sq * total) / torch.where(solvable, det, torch.ones_like(det)))
        scale = torch.where(solvable, scale, torch.zeros_like(scale))
        consider(scale, _half((total - scale.double() * sq) / n))
    # A constant group: the bias holds the value, one step of the scale what the bias missed.
    bias = _half(low)
    scale = _half(low - bias.double())
    constant = low == high
    return torch.where(constant, scale.double(), best[0]), torch.where(constant, bias.double(), best[1]), constant


def fit(w, bits):
    """Scale, bias [n, 1] (fp32 holding F16 values) and whether it is constant, of each group of w [n, GROUP] in fp32."""
    scales, biases, constants = zip(*(_fit(piece.double(), bits) for piece in w.split(CHUNK)))
    return torch.cat(scales).float(), torch.cat(biases).float(), torch.cat(constants)


def rounded(w, fitted, bits):
    """w [n, GROUP] as it is read back with the fitted scales and biases."""
    out = torch.empty_like(w)
    for piece, to, scale, bias, constant in zip(w.split(CHUNK), out.split(CHUNK), *(part.split(CHUNK) for part in fitted)):
        usable = torch.where(constant, torch.ones_like(scale), scale).double()
        q = _levels(piece.double(), usable, bias.double(), float((1 << bits) - 1)).float()
        q = torch.where(constant, (scale != 0).float(), q)
        torch.add(q.mul_(scale), bias, out=to)
    return out


class Rounding:
    """Rounds a model's weights in place for a step and puts the exact ones back.

    Scales and biases are fitted every `every` times that weights are rounded; in between they are kept, since a step
    moves weights by far less than a code is wide. Every process computes the same from the same weights.
    """

    def __init__(self, model, bits, embedding_bits=8, every=16):
        self.every, self.age, self.exact = every, 0, None
        self.groups = {}  # bits → weights
        for name, weight in model.named_parameters():  # a tied head is listed once
            if (width := bits_of(name, weight, bits, embedding_bits)) != 32:
                self.groups.setdefault(width, []).append(weight)
        self.fitted = {}

    @torch.no_grad()
    def apply(self, fresh=False):
        """Rounds; fresh: with scales and biases fitted to just these weights, as the stored model has them."""
        fresh = fresh or self.age % self.every == 0
        self.age = 1 if fresh else self.age + 1
        self.exact = []
        for bits, weights in self.groups.items():
            if bits == 16:
                exact = [weight.detach().clone() for weight in weights]
                values = [weight.half().float() for weight in exact]
            else:
                flat = torch.cat([weight.detach().reshape(-1, GROUP) for weight in weights])
                sizes = [weight.numel() // GROUP for weight in weights]
                if fresh:
                    self.fitted[bits] = fit(flat, bits)
                exact = [part.view_as(weight) for part, weight in zip(flat.split(sizes), weights)]
                values = [part.view_as(weight) for part, weight in zip(rounded(flat, self.fitted[bits], bits).split(sizes), weights)]
            for weight, value in zip(weights, values):
                weight.copy_(value)
            self.exact += zip(weights, exact)

    @torch.no_grad()
    def undo(self):
        for weight, exact in self.exact:
            weight.copy_(exact)
        self.exact = None
