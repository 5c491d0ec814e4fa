"""The scan's kernels against autograd through the plain recurrence."""
import importlib.util
import unittest
from unittest import mock

import torch

from scan import selective_scan_plain

NAMES = ["x", "dt", "A", "B", "C", "D", "z", "dt_bias"]


def random_inputs(batch, T, d_inner, state, device="cpu", kind=torch.float32, seed=0):
    """Inputs as the model makes them: z, dt, B and C are views into wider projections."""
    make = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=make)

    wide, narrow = normal(batch, T, 2 * d_inner).to(kind), normal(batch, T, 4 + 2 * state).to(kind)
    inputs = [normal(batch, T, d_inner).to(kind), (normal(batch, T, d_inner + 3) * 2).to(kind)[..., :d_inner],
              -torch.exp(normal(d_inner, state)), narrow[..., 4:4 + state], narrow[..., 4 + state:],
              normal(d_inner), wide[..., d_inner:], normal(d_inner) - 1]
    if T > 1:
        inputs[1].select(1, T // 2)[:] = 30  # softplus beyond its guard
    return [tensor.to(device) for tensor in inputs]


def expected(inputs, dy):
    """Output and gradients of the plain scan in float64."""
    exact = [tensor.detach().double().cpu().requires_grad_() for tensor in inputs]
    y = selective_scan_plain(*exact)
    return [y.detach()] + list(torch.autograd.grad(y, exact, dy.double().cpu()))


def error(got, want):
    # Relative, but absolute for what is next to nothing: dA of a single step is exactly 0, and the kernel finds it as
    # the difference of two sums that round apart.
    return float((got.double().cpu() - want).norm() / want.norm().clamp(min=1))


def kernels():
    """scan_triton, on a host without Triton with its kernels interpreted."""
    try:
        import triton  # noqa: F401
    except ImportError:
        import interpret
        interpret.install()
    import scan_triton
    return scan_triton


class Kernels(unittest.TestCase):
    def check(self, inputs, bound, shape=(32, 4, 2)):
        scan_triton = kernels()
        dy = torch.randn(inputs[0].shape, generator=torch.Generator().manual_seed(9)).to(inputs[0])
        want = expected(inputs, dy)
        y, states = scan_triton.scan_forward(*inputs, *shape)
        self.assertEqual(states.shape[1], -(-inputs[0].shape[1] // shape[1]))
        got = [y] + list(scan_triton.scan_backward(*inputs, states, dy, *shape))
        for name, one, two in zip(["y"] + NAMES, got, want):
            self.assertLess(error(one, two), bound, name)

    def test_interpreted(self):
        if importlib.util.find_spec("triton"):
            self.skipTest("triton is here: test_on_the_gpu runs the kernels themselves")
        for T, shape in ((1, (32, 4, 2)), (7, (32, 4, 2)), (8, (32, 4, 2)), (9, (64, 2, 1)), (21, (16, 8, 4))):
            with self.subTest(T=T, shape=shape):
                self.check(random_inputs(2, T, 40, 16, seed=T), 1e-5, shape)

    def test_the_shape_is_in_the_call(self):
        """What the compiler's cache tells graphs apart by are the calls in them: a shape outside them would be mixed up."""
        scan_triton = kernels()
        calls = []
        with mock.patch.object(scan_triton, "_operator", lambda *args: calls.append(args) or (args[0], None)), \
                mock.patch.object(scan_triton, "SHAPE", scan_triton.SHAPE):
            inputs = random_inputs(1, 4, 32, 16)
            for shape in ((32, 4, 2), (32, 2, 1)):
                scan_triton.use(*shape)
                scan_triton.selective_scan_triton(*inputs)
        self.assertEqual([call[8:] for call in calls], [(32, 4, 2), (32, 2, 1)])

    @unittest.skipUnless(hasattr(torch.library, "custom_op"), "PyTorch here has no torch.library.custom_op (2.4)")
    def test_compiled_graphs_of_two_shapes_are_two(self):
        scan_triton = kernels()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cpu" and importlib.util.find_spec("triton"):
            self.skipTest("triton without a GPU runs no kernel")
        inputs = random_inputs(1, 21, 32, 16, device)
        graphs = []

        def keep(graph, _):
            graphs.append(str(graph.graph))
            return graph.forward

        with mock.patch.object(scan_triton, "SHAPE", scan_triton.SHAPE):
            scan_triton.selective_scan_triton(*inputs)  # registered
            for shape in ((32, 4, 2), (32, 2, 1)):
                scan_triton.use(*shape)
                torch.library.opcheck(scan_triton._operator, (*(t.requires_grad_() for t in inputs), *shape))
                y = torch.compile(scan_triton.selective_scan_triton, backend=keep)(*inputs)
                self.assertLess(error(y.detach(), expected(inputs, torch.ones_like(y))[0]), 1e-4)
        self.assertEqual(len(set(graphs)), 2, graphs)

    @unittest.skipUnless(torch.cuda.is_available(), "no GPU")
    def test_on_the_gpu(self):
        for batch, T, d_inner, kind, bound in ((2, 37, 64, torch.float32, 1e-4), (1, 1, 32, torch.float32, 1e-4),
                                               (2, 500, 96, torch.bfloat16, 1e-2)):
            with self.subTest(T=T, kind=kind):
                self.check(random_inputs(batch, T, d_inner, 16, "cuda", kind), bound)
                self.check(random_inputs(batch, T, d_inner, 16, "cuda", kind), bound, (32, 2, 1))

    @unittest.skipUnless(torch.cuda.is_available(), "no GPU")
    def test_operator_and_autograd(self):
        from scan import selective_scan
        inputs = [tensor.requires_grad_() for tensor in random_inputs(2, 50, 64, 16, "cuda")]
        dy = torch.randn(2, 50, 64, device="cuda")
        want = expected(inputs, dy)
        y = selective_scan(*inputs)
        for name, one, two in zip(["y"] + NAMES, [y] + list(torch.autograd.grad(y, inputs, dy)), want):
            self.assertLess(error(one, two), 1e-4, name)


if __name__ == "__main__":
    unittest.main()
