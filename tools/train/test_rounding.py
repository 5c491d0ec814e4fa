"""The rounding in the loop is the one that `samba convert` does, bit for bit, and the gradient passes straight through."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import torch

import rounding
from checkpoint import load_model, save_model
from model import Config, Samba

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPE = dict(n_layer=2, n_embd=128, n_head=2, n_query_groups=1, intermediate_size=192, local_window=8, block_size=24, vocab_size=320)


class Rounded(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(int.from_bytes(os.urandom(4), "little"))
        self.model = Samba(Config(**SHAPE))
        with torch.no_grad():  # what trained weights have, too: outliers, constant groups, tiny and zero ones
            for name, weight in self.model.named_parameters():
                if weight.dim() == 2 and not name.endswith("A_log"):
                    weight[3] *= 40
                    weight[5, 7] = 3
                    weight[6, :64] = 0.1234567
                    weight[7, :64] = 0
                    weight[8] *= 1e-6

    @unittest.skipUnless(shutil.which("go"), "no Go here, which `samba convert` is built with")
    def test_as_samba_convert_stores_it(self):
        with tempfile.TemporaryDirectory() as folder:
            samba = os.path.join(folder, "samba")
            subprocess.run(["go", "build", "-o", samba, "./tools"], cwd=os.path.join(HERE, "..", ".."), check=True)
            path = os.path.join(folder, "model.pth")
            save_model(self.model, path, 0, torch.float32)
            for bits, embedding in ((4, 4), (4, 8), (8, 8)):
                to = os.path.join(folder, f"{bits}-{embedding}")
                options = ["--embedding-bits", str(embedding)] if bits == 4 else []
                subprocess.run([samba, "convert", "--from", path, "--bits", str(bits), *options, "--to", to], check=True,
                               stdout=subprocess.DEVNULL)
                _, stored = load_model(to)
                with open(os.path.join(to, "config.json")) as file:
                    overrides = json.load(file)["quantization"].get("overrides", {})
                self.assertEqual("embed_tokens" in overrides, (bits, embedding) == (4, 8))
                rounds = rounding.Rounding(self.model, bits, embedding)
                rounds.apply()
                for name, weight in self.model.state_dict().items():
                    self.assertTrue(torch.equal(weight, stored[name]), f"{name} at {bits} and {embedding} bits")
                rounds.undo()

    def test_which_bits(self):
        names = dict(self.model.named_parameters())
        want = {"lm_head.weight": 4, "transformer.h.0.attn.in_proj.weight": 4, "transformer.h.0.attn.x_proj.weight": 8,
                "transformer.h.0.attn.dt_proj.weight": 16, "transformer.h.0.attn.A_log": 32, "transformer.h.0.attn.conv1d.weight": 32,
                "transformer.h.1.attn.attn.weight": 4, "transformer.h.1.mlp.swiglu.w3.weight": 4, "transformer.ln_f.weight": 32}
        self.assertEqual({name: rounding.bits_of(name, names[name], 4, 4) for name in want}, want)
        self.assertEqual(rounding.bits_of("transformer.wte.weight", names["lm_head.weight"], 4, 8), 8)

    def test_the_exact_weights_move_by_the_gradient_at_the_rounded_ones(self):
        before = {name: weight.clone() for name, weight in self.model.state_dict().items()}
        rounds = rounding.Rounding(self.model, 4, 4)
        ids = torch.randint(0, 300, (2, 24))
        rounds.apply()
        twin = Samba(self.model.config)
        twin.load_state_dict(self.model.state_dict())
        self.assertFalse(torch.equal(before["transformer.wte.weight"], self.model.transformer.wte.weight))
        for model in (self.model, twin):
            model(ids).square().mean().backward()
        rounds.undo()
        for (name, weight), other in zip(self.model.named_parameters(), twin.parameters()):
            self.assertTrue(torch.equal(weight, before[name]), name)
            apart = (weight.grad - other.grad).norm() / other.grad.norm()
            self.assertLess(apart, 1e-4, name)

    def test_scales_are_kept_for_a_while(self):
        rounds = rounding.Rounding(self.model, 4, 4, every=3)
        fits = []
        for step in range(5):
            rounds.apply(fresh=step == 1)
            rounds.undo()
            fits.append(id(rounds.fitted[4]))
            with torch.no_grad():
                self.model.transformer.wte.weight.mul_(1.01)
        self.assertEqual([a == b for a, b in zip(fits, fits[1:])], [False, True, True, False])


if __name__ == "__main__":
    unittest.main()
