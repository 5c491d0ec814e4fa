"""The scan's kernels against autograd through the plain recurrence."""
import unittest

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


class Kernels(unittest.TestCase):
    def check(self, inputs, bound):
        import scan_triton
        dy = torch.randn(inputs[0].shape, generator=torch.Generator().manual_seed(9)).to(inputs[0])
        want = expected(inputs, dy)
        y, states = scan_triton.scan_forward(*inputs)
        got = [y] + list(scan_triton.scan_backward(*inputs, states, dy))
        for name, one, two in zip(["y"] + NAMES, got, want):
            self.assertLess(error(one, two), bound, name)

    def test_interpreted(self):
        try:
            import triton  # noqa: F401
            self.skipTest("triton is here: test_on_the_gpu runs the kernels themselves")
        except ImportError:
            import interpret
            interpret.install()
        for T in (1, 7, 8, 9, 21):
            with self.subTest(T=T):
                self.check(random_inputs(2, T, 40, 16, seed=T), 1e-5)

    @unittest.skipUnless(torch.cuda.is_available(), "no GPU")
    def test_on_the_gpu(self):
        for batch, T, d_inner, kind, bound in ((2, 37, 64, torch.float32, 1e-4), (1, 1, 32, torch.float32, 1e-4),
                                               (2, 500, 96, torch.bfloat16, 1e-2)):
            with self.subTest(T=T, kind=kind):
                self.check(random_inputs(batch, T, d_inner, 16, "cuda", kind), bound)

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
