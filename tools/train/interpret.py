"""Runs the Triton kernels of this folder on a CPU, program by program, with torch tensors for Triton's values.

It stands in for the parts of `triton` and `triton.language` that scan_triton.py uses, so that the kernels' arithmetic
and addressing are tested where there is neither Triton nor a GPU. It says nothing about speed or compilation.
"""
import itertools
import sys
import types

import torch


class Pointer:
    """A tensor's storage, an offset for each value, and bounds that are checked on every access."""

    def __init__(self, tensor, offset=0):
        self.tensor, self.offset = tensor, offset
        self.dtype = types.SimpleNamespace(element_ty=tensor.dtype)

    def __add__(self, other):
        return Pointer(self.tensor, self.offset + other)

    def place(self, mask):
        offset, mask = torch.broadcast_tensors(self.offset, mask)
        storage = torch.as_strided(self.tensor, (self.tensor.storage().size() - self.tensor.storage_offset(),), (1,))
        inside = (offset >= 0) & (offset < len(storage))
        if not bool((inside | ~mask).all()):
            raise IndexError("kernel touches memory outside its tensor")
        return storage, offset.long(), mask


class Program:
    """The running program's place in the grid."""
    place, size = (0, 0), (1, 1)


def load(pointer, mask, other):
    storage, offset, mask = pointer.place(mask)
    return torch.where(mask, storage[torch.where(mask, offset, torch.zeros_like(offset))], torch.tensor(other, dtype=storage.dtype))


def store(pointer, value, mask):
    storage, offset, mask = pointer.place(mask)
    value = torch.broadcast_to(value, offset.shape)
    storage[offset[mask]] = value[mask].to(storage.dtype)


def associative_scan(values, axis, combine, reverse=False):
    length = values[0].shape[axis]
    order = range(length - 1, -1, -1) if reverse else range(length)
    rows = [None] * length
    running = None
    for i in order:
        here = tuple(v.select(axis, i) for v in values)
        running = here if running is None else combine(*running, *here)
        rows[i] = running
    return tuple(torch.stack([row[k] for row in rows], axis) for k in range(len(values)))


class Kernel:
    def __init__(self, function):
        self.function = function

    def __call__(self, *args):
        return self.function(*args)

    def __getitem__(self, grid):
        def launch(*args, num_warps=4, **constants):
            args = [Pointer(a) if isinstance(a, torch.Tensor) else a for a in args]
            Program.size = grid
            for Program.place in itertools.product(*map(range, grid)):
                self.function(*args, **constants)
        return launch


def install():
    """Makes `import triton` give this stand-in."""
    language = types.ModuleType("triton.language")
    language.constexpr, language.float32, language.int64 = object(), torch.float32, torch.int64
    language.program_id = lambda axis: torch.tensor(Program.place[axis])
    language.num_programs = lambda axis: Program.size[axis]
    language.arange = torch.arange
    language.zeros = lambda shape, dtype: torch.zeros(shape, dtype=dtype)
    language.load, language.store, language.associative_scan = load, store, associative_scan
    language.where = lambda c, a, b: torch.where(c, *(v if isinstance(v, torch.Tensor) else torch.tensor(v) for v in (a, b)))
    language.minimum = lambda a, b: torch.clamp(a, max=b)
    language.exp, language.log = torch.exp, torch.log
    language.sum = lambda value, axis: value.sum(axis)
    root = types.ModuleType("triton")
    root.jit, root.language = Kernel, language
    sys.modules["triton"], sys.modules["triton.language"] = root, language
