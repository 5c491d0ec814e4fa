"""The trainer on a CPU: data, masks, names, resume, and a tiny model that learns."""
import contextlib
import io
import json
import lzma
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import numpy as np
import torch

import answers
import average
import card
import data
import held_out
import loss
import pipeline
import recall
import train
import twins
from checkpoint import _dequantize, load_model, save_model
from corpus import CorpusError, documents
from model import Apart, Attention, Config, Samba, causal_conv, rope_tables, rotate, stretch, window_attention_plain
from parts import pack, unpack
from recall import RecallStream
from sample import prompt_ids
from scan import selective_scan_plain
from tokenizer import SPECIAL, Tokenizer, tokenizer_json, train_merges

HERE = os.path.dirname(os.path.abspath(__file__))
TINY = dict(n_layer=2, n_embd=32, n_head=2, n_query_groups=1, intermediate_size=64, local_window=8, block_size=24,
            vocab_size=320)
SENTENCE = "The grass is green and the sky is blue, 12 birds sing and it's a fine day. "


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Folder(unittest.TestCase):
    def setUp(self):
        keep = tempfile.TemporaryDirectory()
        self.addCleanup(keep.cleanup)
        self.folder = keep.name
        self.tokenizer_path = self.at("tokenizer.json")
        with open(self.tokenizer_path, "w") as file:
            json.dump(tokenizer_json(train_merges({"The": 9, " the": 90, " grass": 30, " green": 30, " and": 80}, 12)), file)
        self.tokenizer = Tokenizer(self.tokenizer_path)

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def shard(self, name, rows):
        with lzma.open(self.at(name), "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        return self.at(name)

    def encode(self):
        turns = [{"role": "user", "content": "Is the sky green?"}, {"role": "assistant", "content": " No, blue. "}]
        shards = [self.shard("stories-00.jsonl.xz", [{"text": SENTENCE * 20}] * 8),
                  self.shard("chat-00.jsonl.xz", [{"source": ("trivia", "dolly", "authored-words")[i % 3], "messages": turns} for i in range(40)])]
        with contextlib.redirect_stdout(io.StringIO()):
            data.encode_shards(shards, self.tokenizer_path, self.at("data"), 1)
        return self.at("data")


class Tokenizing(Folder):
    def test_round_trip_and_splits(self):
        for text in ("", "a", SENTENCE, "  two  spaces 7  8 \n\n x", "naïve 日本 🎉", "don't WE'LL", "\t\r\n", "½²x"):
            self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text)), text)
        self.assertEqual(len(self.tokenizer.encode("123")), 3)
        self.assertEqual(len(self.tokenizer.encode(" the")), 1)

    def test_special_tokens_in_text_stay_text(self):
        self.assertFalse({0, 1, 2} & set(self.tokenizer.encode("".join(SPECIAL))))

    def test_merges_are_greedy(self):
        self.assertEqual(train_merges({"abab": 5, "bc": 3}, 2), [("a", "b"), ("ab", "ab")])

    def test_no_tokenizer(self):
        with self.assertRaisesRegex(CorpusError, "not a tokenizer.json"):
            Tokenizer(self.at("missing.json"))


class Corpus(Folder):
    def test_bad_shards(self):
        with self.assertRaisesRegex(CorpusError, "no such shard"):
            list(documents(self.at("missing.jsonl.xz")))
        with open(self.at("plain"), "w") as file:
            file.write("{}\n")
        with self.assertRaisesRegex(CorpusError, "not an xz file"):
            list(documents(self.at("plain")))
        with self.assertRaisesRegex(CorpusError, "line 2 is no document"):
            list(documents(self.shard("bad.xz", [{"text": "a"}, {"messages": [{"role": 1}]}])))

    def test_truncated(self):
        random = np.random.default_rng(0)
        path = self.shard("cut.xz", [{"text": "".join(map(chr, random.integers(40, 120, 5000)))} for _ in range(60)])
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) * 2 // 3)
        with self.assertRaisesRegex(CorpusError, "ends in the middle"):
            list(documents(path))
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertGreater(len(list(documents(path, allow_truncated=True))), 5)


class Chat(Folder):
    def test_only_the_assistants_words_are_learned(self):
        ids, learn = data.encode_dialogue(self.tokenizer, [
            {"role": "user", "content": "Hi the"}, {"role": "assistant", "content": " Yes and no "},
            {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "the end"}])
        said = self.tokenizer.decode([i for i, mark in zip(ids, learn) if mark])
        self.assertEqual(said, "Yes and nothe end")
        marked = [i for i, mark in zip(ids, learn) if mark]
        self.assertEqual(marked.count(self.tokenizer.turn_end), 2)
        self.assertEqual(ids[-1], self.tokenizer.end)

    def test_prompt_is_a_prefix_of_training(self):
        ids, _ = data.encode_dialogue(self.tokenizer, [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}])
        prompt = prompt_ids(self.tokenizer, "Hi")
        self.assertEqual(ids[:len(prompt)], prompt)

    def test_packing(self):
        folder = self.encode()
        stream = data.ChatStream(folder, 100, self.tokenizer.end)
        drawn = np.bincount([n for row in stream.pack(0) for n in row], minlength=len(stream.times))
        self.assertEqual(set(stream.times), {0.25, 1.0, 2.0})
        self.assertTrue((drawn[stream.times == 1] == 1).all())
        self.assertEqual(set(drawn[stream.times == 2.0]), {2})
        self.assertEqual(set(drawn[stream.times == 0.25]), {0, 1})
        for row in stream.pack(0):
            self.assertLessEqual(sum(stream.lengths[n] for n in row), 101)
        ids, weights, since = stream.fill(stream.pack(0)[0])
        self.assertEqual(ids[0], self.tokenizer.turn_start)
        starts = np.flatnonzero(since == 0)
        self.assertEqual(starts.tolist(), np.cumsum([0] + [stream.lengths[n] for n in stream.pack(0)[0]])[:-1].tolist())
        self.assertTrue((np.diff(since)[since[1:] != 0] == 1).all())
        self.assertEqual(weights.sum(), sum(stream.learn[stream.ends[n] - stream.lengths[n]:stream.ends[n]].sum()
                                            for n in stream.pack(0)[0]))
        self.assertFalse(weights[ids[1:] == self.tokenizer.end].any())

    def test_batches_do_not_depend_on_where_one_starts(self):
        folder = self.encode()
        for make in (lambda: data.TextStream(folder, 50), lambda: data.ChatStream(folder, 100, 0, text=0.3)):
            one, two = make(), make()
            first = [one.batch(step, 3) for step in range(9)]
            np.testing.assert_array_equal(two.batch(7, 3)[0], first[7][0])
            np.testing.assert_array_equal(two.batch(2, 3)[0], first[2][0])

    def test_an_epoch_of_text_has_every_row_once(self):
        stream = data.TextStream(self.encode(), 50)
        starts = {tuple(stream.row(n)[0][:-1]) for n in range(stream.rows)}
        whole = stream.ids[stream.offset:]
        self.assertEqual(starts, {tuple(whole[i * 50:(i + 1) * 50].tolist()) for i in range(stream.rows)})


class Recall(Folder):
    def setUp(self):
        super().setUp()
        folder = self.encode()
        chats = data.ChatStream(folder, 400, self.tokenizer.end, text=0.25)
        self.stream = RecallStream(chats, data.TextStream(folder, 400).ids, 400, self.tokenizer, share=0.5)

    def test_the_plain_form_is_the_papers_prompt(self):
        """Encoded piece by piece as the whole text is, with the weight on the key asked for alone."""
        ids, weights, pace = self.stream.probe(3, pace=16)
        for row, (depth_ids, asked, fast) in enumerate(zip(ids, weights, pace)):
            said = depth_ids[:np.flatnonzero(depth_ids == self.tokenizer.end)[0]]
            text = self.tokenizer.decode(said)
            key = text.split("The pass key is ")[1][:5]
            before, after = text.split(recall.FACT.format(k=key))
            garbage = [re.fullmatch(pattern, part).group(1) for pattern, part in (
                (re.escape(recall.INTRO) + r"\n(.*)\n", before),
                (r"\n(.*)\n" + re.escape(f"{recall.QUESTION} {recall.ANSWER} {key}.\n"), after))]
            for part in garbage:
                self.assertEqual(part, " ".join([recall.GARBAGE] * round(len(part) / (len(recall.GARBAGE) + 1))))
            self.assertEqual([len(part) > 0 for part in garbage], [row > 0, row < 2])
            self.assertEqual(self.tokenizer.encode(text), said.tolist())
            self.assertEqual(self.tokenizer.decode(depth_ids[1:][asked > 0]), " " + key)
            self.assertEqual(set(fast), {1.0, 16.0})
            self.assertEqual(self.tokenizer.decode(depth_ids[:-1][fast > 1]), "".join(garbage))

    def test_training_rows(self):
        seen, documents = set(), []
        for number in range(60):
            ids, weights, since, pace = self.stream.keyed(number)
            self.assertEqual(since.tolist(), list(range(400)))
            self.assertEqual([len(ids), len(weights), len(pace)], [401, 400, 400])
            self.assertTrue((pace >= 1).all() and (pace <= recall.LONGEST_PACE).all())
            self.assertAlmostEqual(weights.sum(), recall.ROW * 400, 2)
            # Every asked digit stands in the text before.
            asked = re.findall(r"\d+", self.tokenizer.decode(ids[1:][weights == weights.max()]))
            self.assertTrue(asked)
            text = self.tokenizer.decode(ids)
            for key in asked:
                self.assertGreaterEqual(text.count(key), 2)
            documents.append((ids == self.tokenizer.end).sum())
            seen.add(tuple(asked))
        self.assertGreater(len(seen), 50)
        self.assertGreater(max(documents), 4)
        np.testing.assert_array_equal(self.stream.keyed(3)[0], self.stream.keyed(3)[0])

    def test_a_batch_mixes_keys_and_chats(self):
        for ranks in (1, 2):
            parts = [self.stream.batch(3, 8, rank, ranks) for rank in range(ranks)]
            for ids, weights, since, pace, near in parts:
                size = 8 // ranks
                self.assertEqual([a.shape for a in (ids, weights, since, pace)], [(size, 401)] + [(size, 400)] * 3)
                keyed = (weights > 1).any(1)  # a digit weighs more than a token of text
                # Each process's rows begin with those that are held short.
                self.assertEqual(keyed.tolist(), [True] * (size // 2) + [False] * (size // 2))
                self.assertEqual(near, (3, 1)[ranks - 1])
                self.assertTrue((pace[~keyed] == 1).all())
            rows = {row.tobytes() for ids, *_ in parts for row in ids}
            self.assertEqual(sum(len(ids) for ids, *_ in parts), 8)
        self.assertEqual(rows, {row.tobytes() for row in self.stream.batch(3, 8)[0]})
        self.stream.paced = False
        self.assertIsNone(self.stream.batch(3, 8)[3])

    def test_parts_of_probes_make_the_whole(self):
        whole = self.stream.probe(4, pace=2)
        for i, array in enumerate(whole):
            np.testing.assert_array_equal(np.concatenate([self.stream.probe(4, pace=2, rank=r, ranks=2)[i] for r in (0, 1)]), array)

    def test_rows_too_short(self):
        with self.assertRaisesRegex(CorpusError, "want at least"):
            RecallStream(self.stream.others, self.stream.text, 60, self.tokenizer)


class Answers(Folder):
    def setUp(self):
        super().setUp()
        torch.manual_seed(0)
        self.model = Samba(Config(**dict(TINY, block_size=400))).eval()

    def test_all_at_once_as_one_by_one(self):
        """Padding and the others of a batch change nothing, and a second turn reads the first one's answer."""
        prompts = [prompt_ids(self.tokenizer, "the " * n) for n in (1, 9, 4)]
        together = answers.answer(self.model, self.tokenizer, prompts, limit=6)
        for prompt, made in zip(prompts, together):
            self.assertEqual(answers.answer(self.model, self.tokenizer, [prompt], limit=6), [made])
            with torch.no_grad():
                self.assertEqual(int(self.model(torch.tensor([prompt]))[0, -1, :len(self.tokenizer)].argmax()), made[0])
        questions = [{"messages": ["Hi", "And the grass?"]}, {"messages": ["Bye"]}]
        said = answers.ask(self.model, self.tokenizer, questions, limit=6)
        self.assertEqual([len(one) for one in said], [2, 1])
        first = answers.answer(self.model, self.tokenizer, [prompt_ids(self.tokenizer, "Hi")], limit=6)[0]
        ids, _ = data.encode_dialogue(self.tokenizer, [{"role": "user", "content": "Hi"}])
        second = ids[:-1] + [self.tokenizer.turn_start] + self.tokenizer.encode("assistant\n") + first + [self.tokenizer.turn_end] + (
            self.tokenizer.encode("\n") + prompt_ids(self.tokenizer, "And the grass?"))
        made = answers.answer(self.model, self.tokenizer, [second], limit=6)[0]
        self.assertEqual(said[0], [self.tokenizer.decode(first), self.tokenizer.decode(made)])

    def test_judging(self):
        asked = [{"kind": "facts", "messages": ["a"], "answer": r"\bparis\b"}, {"kind": "facts", "messages": ["b"], "answer": "rome"},
                 {"kind": "sums", "messages": ["c", "d"], "answer": r"\b7\b"}]
        result = answers.judge(asked, [["It is Paris."], ["the cat and the dog and the cow and " * 3], ["7", "17"]])
        self.assertEqual(result["kinds"], {"facts": {"right": 1, "asked": 2}, "sums": {"right": 0, "asked": 1}})
        self.assertEqual([result[key] for key in ("right", "asked", "looping")], [1, 3, 1])
        self.assertEqual([row["right"] for row in result["questions"]], [True, False, False])


class HeldOut(unittest.TestCase):
    def test_a_bibles_chapters_are_paragraphs(self):
        lines = ["Ge1:1 In the beginning.\n", "Ge1:2 And the earth. \n", "Ge2:1 Thus.\n", "Ex2:1 Now.\n"]
        self.assertEqual(held_out.bible(lines), "In the beginning. And the earth.\n\nThus.\n\nNow.\n")


class Folders(unittest.TestCase):
    """A model folder read back has the weights of the checkpoint that it was converted from."""

    def test_the_fixtures(self):
        root = os.path.join(HERE, "..", "..", "model", "testdata")
        for name in ("samba-mha", "samba-gqa"):
            config, got = load_model(os.path.join(root, name))
            with open(os.path.join(root, "reference", name + ".json")) as file:
                want_config = Config.of(json.load(file)["config"])
            want = torch.load(os.path.join(root, "reference", name + ".pth"))["model"]
            self.assertEqual([config.n_head, config.n_query_groups, config.local_window, config.dt_rank],
                             [want_config.n_head, want_config.n_query_groups, want_config.local_window, want_config.dt_rank])
            self.assertEqual(set(got), set(Samba(config).state_dict()))
            for key, tensor in got.items():
                if ".w1." in key or ".w2." in key:
                    continue  # the fixtures may pack them; the logits below tell
                torch.testing.assert_close(tensor, want[key].float(), msg=key)
            model = Samba(config)
            model.load_state_dict(got)
            with open(os.path.join(root, "reference", name + ".json")) as file:
                ids = json.load(file)["ids"]
            logits = np.fromfile(os.path.join(root, "reference", name + ".logits.f32"), "<f4").reshape(len(ids), -1)
            with torch.no_grad():
                self.assertLess(np.abs(model(torch.tensor([ids]))[0].numpy() - logits).max(), 1e-4)

    def test_groups_of_four_and_eight_bits(self):
        random = np.random.default_rng(0)
        for bits in (4, 8):
            q = random.integers(0, 1 << bits, (3, 128))
            codes = np.zeros((3, 128 * bits // 32), np.uint32)
            for i in range(128):
                codes[:, i * bits // 32] |= (q[:, i] << (i * bits % 32)).astype(np.uint32)
            scales, biases = (random.random((3, 2)).astype(np.float16) for _ in range(2))
            want = q * np.repeat(scales, 64, 1).astype(np.float32) + np.repeat(biases, 64, 1).astype(np.float32)
            np.testing.assert_allclose(_dequantize(codes, scales, biases, 128), want, rtol=1e-6)

    def test_the_mean_of_checkpoints(self):
        first, second = (Samba(Config(**TINY)) for _ in range(2))
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("first.pth", "second.pth", "mean.pth")]
            for model, path in zip((first, second), paths):
                save_model(model, path, 0, torch.float32)
            with mock.patch.object(sys, "argv", ["average.py", *paths[:2], "--out", paths[2]]):
                average.main()
            got = load_model(paths[2])[1]
            for (name, a), b in zip(first.state_dict().items(), second.state_dict().values()):
                torch.testing.assert_close(got[name], (a + b) / 2, msg=name)
            with self.assertRaisesRegex(CorpusError, "samba-mha: its shape is not that of"):
                average.mean([paths[0], os.path.join(HERE, "..", "..", "model", "testdata", "samba-mha")])

    def test_one_sentence_for_what_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(CorpusError, "no model folder"):
                load_model(folder)
            with self.assertRaisesRegex(CorpusError, "no checkpoint"):
                load_model(os.path.join(folder, "none.pth"))


class Card(unittest.TestCase):
    def test_every_figure_is_a_files_or_said_to_be_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            model = os.path.join(folder, "model")
            shutil.copytree(os.path.join(HERE, "..", "..", "model", "testdata", "samba-gqa"), model)
            reports = {
                "report": {"stages": {"tune": {"device": "H100", "steps": 820, "tokens": 1234567, "val_text": 3.21, "val_text_bits_per_byte": 1.234, "text": 24.78}}},
                "ppl": {"text": "books.txt", "tokens": 4096, "backend": "chromium", "browser": "Chrome/1", "adapter": "nvidia h100",
                        "date": "2026-11-25", "bits": 8, "lengths": [{"length": 4096, "sequences": 1, "scored": 4095, "nats": 3.2, "standard_error": 0.01, "perplexity": 24.53}]},
                "passkey": {"keys": 5, "backend": "cpu", "adapter": "cpu", "date": "2026-11-25", "depths": [0, 0.5, 1],
                            "lengths": [{"length": 4096, "prompt_tokens": 4000, "retrieved": 0.933, "right": [4, 5, 5], "asked": [5, 5, 5]}]},
                "answers": {"questions": "/tmp/dev.jsonl", "seeds": 0, "right": 0.5, "looping": 0.025, "cut": 0, "backend": "cpu", "adapter": "cpu",
                            "date": "2026-11-28", "kinds": [{"kind": kind, "right": right, "asked": 20} for kind, right in (("facts", 20), ("sums", 0))],
                            "answers": [{"kind": ("facts", "sums")[i // 20], "turns": [f"Who {i}?"], "answers": [f"Me {i}."], "right": i < 20} for i in range(40)]},
                "twins": {name: {"parameters": 10, "steps": 2, "tokens": 48, "seconds": 1, "held_out_tokens": 96,
                                 "perplexity": {"24": 9.5}} for name in twins.PAPER}}
            reports["exact"] = dict(reports["ppl"], bits=0, lengths=[dict(reports["ppl"]["lengths"][0], nats=3.19, perplexity=24.29)])
            command = ["card.py", model, "--history", "Trained before."]
            for fields, words in (((), ["Trained before.", "report is missing", "Not measured", "Not made", "Not measured for these weights yet (`samba eval answers`)"]),
                                  (("report", "ppl", "passkey", "twins", "answers"), ["| tune | H100 | 820 | 1,234,567 | – | – | 3.210 (24.78; 1.234) | – |",
                                   "chromium, Chrome/1, nvidia h100", "| 4,096 | 1 | 3.2000 ± 0.0100 | 24.53 |", "| 4,096 | 93 % | 4 | 5 | 5 |",
                                   "recalls amid one repeated line from 2,000 tokens back, not always from 4,000 on", "| Transformer | 10 | 9.50 | 11.14", "Of 40 questions kept out of its training it gets 50 % right", "| sums | 0 | 20 | 0 % |",
                                   "> Who 14?\n\n    Me 14.\n\n(facts, judged right)", "> Who 34?", "2.5 % of the answers repeat"])):
                for name in fields:
                    with open(os.path.join(folder, name), "w") as file:
                        json.dump(reports[name], file)
                    command += ["--" + name, os.path.join(folder, name)]
                with mock.patch.object(sys, "argv", command):
                    card.main()
                with open(os.path.join(model, "README.md")) as file:
                    text = file.read()
                for words in words:
                    self.assertIn(words, text)
            self.assertNotIn("> Who 15?", text)  # thirty are shown, as many of each kind
            with open(os.path.join(folder, "exact"), "w") as file:
                json.dump(reports["exact"], file)
            with mock.patch.object(sys, "argv", command + ["--rounding", os.path.join(folder, "ppl"), os.path.join(folder, "exact")]):
                card.main()
            with open(os.path.join(model, "README.md")) as file:
                self.assertIn("Perplexity of 4,095 held-out tokens 24.530 with 8 bits, 24.290 unquantized: +1.01 %", file.read())
            with open(os.path.join(folder, "exact"), "w") as file:
                json.dump(dict(reports["exact"], tokens=1), file)
            with mock.patch.object(sys, "argv", command + ["--rounding", os.path.join(folder, "ppl"), os.path.join(folder, "exact")]):
                self.assertRaisesRegex(CorpusError, "different tokens", card.main)
            with mock.patch.object(sys, "argv", command + ["--ppl", os.path.join(folder, "none")]):
                self.assertRaisesRegex(CorpusError, "no report", card.main)


class PartsOfTheModel(unittest.TestCase):
    def test_names_and_shapes_of_the_reference(self):
        config = Config(**TINY)
        shapes = {name: tuple(tensor.shape) for name, tensor in Samba(config).state_dict().items()}
        d, ff, r = 32, 64, 2
        want = {"lm_head.weight": (320, d), "transformer.wte.weight": (320, d), "transformer.ln_f.weight": (d,)}
        for i in (0, 1):
            at = f"transformer.h.{i}."
            want.update({at + "norm_1.weight": (d,), at + "norm_2.weight": (d,), at + "mlp.swiglu.w1.weight": (ff, d),
                         at + "mlp.swiglu.w2.weight": (ff, d), at + "mlp.swiglu.w3.weight": (d, ff)})
        want.update({"transformer.h.0.attn." + name: shape for name, shape in {
            "A_log": (2 * d, 16), "D": (2 * d,), "in_proj.weight": (4 * d, d), "conv1d.weight": (2 * d, 1, 4),
            "conv1d.bias": (2 * d,), "x_proj.weight": (r + 32, 2 * d), "dt_proj.weight": (2 * d, r),
            "dt_proj.bias": (2 * d,), "out_proj.weight": (d, 2 * d)}.items()})
        want.update({"transformer.h.1.attn.attn.weight": ((2 + 2) * 16, d), "transformer.h.1.attn.proj.weight": (d, d)})
        self.assertEqual(shapes, want)

    def test_causal_conv(self):
        torch.manual_seed(0)
        x, conv = torch.randn(2, 9, 5), torch.nn.Conv1d(5, 5, 4, groups=5, padding=3)
        want = conv(x.transpose(1, 2))[..., :9].transpose(1, 2)
        torch.testing.assert_close(causal_conv(x, conv.weight, conv.bias), want)

    def test_the_window_counts_the_query(self):
        torch.manual_seed(0)
        q, k, v = torch.randn(1, 2, 9, 4), torch.randn(1, 1, 9, 4), torch.randn(1, 1, 9, 4)
        base = window_attention_plain(q, k, v, 3)
        changed = v.clone()
        changed[:, :, 2] += 1
        rows = (window_attention_plain(q, k, changed, 3) - base).abs().amax((0, 1, 3)) > 0
        self.assertEqual(rows.nonzero().flatten().tolist(), [2, 3, 4])

    def test_stretched_tokens_count_as_repeated_ones(self):
        """What a slow state takes up and keeps over r equal tokens is what one token of pace r does."""
        torch.manual_seed(0)
        r, d, n = 5, 6, 4
        A = -torch.rand(d, 1).expand(d, n) - 0.5  # one rate a channel: then nothing is approximate
        bias, D = torch.randn(d) - 3, torch.randn(d)
        x, dt, z = torch.randn(1, 3, d), torch.randn(1, 3, d), torch.randn(1, 3, d)
        B, C = torch.randn(1, 3, n), torch.randn(1, 3, n)
        pace = torch.tensor([[1.0, r, 1.0]])
        several = torch.tensor([0] + [1] * r + [2])
        want = selective_scan_plain(*(t[:, several] for t in (x, dt)), A, *(t[:, several] for t in (B, C)), D, z[:, several], bias)
        longer, slow = stretch(x, dt, A, bias, pace)
        got = selective_scan_plain(slow, longer, A, B, C, D, z, bias) + D * (x - slow) * torch.nn.functional.silu(z)
        torch.testing.assert_close(got, want[:, [0, r, r + 1]])
        same_dt, same_x = stretch(x, dt, A, bias, torch.ones(1, 3))
        torch.testing.assert_close(same_dt, dt)
        torch.testing.assert_close(same_x, x)

    def test_texts_apart_are_computed_as_if_each_stood_alone(self):
        """States, convolution and attention of a row of several texts, with and without a pace, and the gradients."""
        torch.manual_seed(0)
        model = Samba(Config(**dict(TINY, local_window=20)))
        lengths = [1, 2, 9, 30]  # the last one is longer than the window
        ids = torch.randint(0, 300, (2, sum(lengths)))
        since = torch.cat([torch.arange(n) for n in lengths]).repeat(2, 1)
        wanted = torch.randn(2, sum(lengths), model.config.n_embd)

        def gradients(hidden, **options):
            model.zero_grad()
            (hidden * wanted).sum().backward()
            return [p.grad.clone() for p in model.parameters()]
        for pace in (None, torch.randint(1, 4, (2, sum(lengths))).float()):
            cuts = lambda whole: whole.split(lengths, 1) if whole is not None else [None] * len(lengths)
            alone = torch.cat([model.hidden(part, pace=r) for part, r in zip(cuts(ids), cuts(pace))], 1)
            want = gradients(alone)
            together = model.hidden(ids, pace=pace, since=since)
            torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
            for one, two in zip(gradients(together), want):
                torch.testing.assert_close(one, two, atol=1e-3 * float(two.abs().max()) + 1e-6, rtol=1e-3)
            self.assertFalse(torch.allclose(model.hidden(ids, pace=pace), alone, atol=1e-2))

    def test_blocks_of_texts_apart(self):
        """The blocks of keys that flex_attention is told of are those that the rule asks for, with many texts and few."""
        random = np.random.default_rng(5)
        for window in (300, 2048):
            T, rows = 1024, 3
            since = np.zeros((rows, T), np.int64)
            for row, texts in enumerate((0, 5, 60)):
                for start in [0] + sorted(random.integers(1, T, texts)):
                    since[row, start:] = np.arange(T - start)
            mask = Apart(window, rows, T, "cpu")
            mask.ages.copy_(torch.from_numpy(np.minimum(since, window - 1)))
            some, some_at, whole, whole_at = mask.blocks()
            age = np.arange(T)[:, None] - np.arange(T)
            seen = (age >= 0) & (age <= np.minimum(since, window - 1)[:, :, None])
            blocks = seen.reshape(rows, T // 128, 128, T // 128, 128).swapaxes(2, 3).reshape(rows, T // 128, T // 128, -1)
            for row in range(rows):
                for query in range(T // 128):
                    listed = lambda number, at: set(at[row, 0, query, :number[row, 0, query]].tolist())
                    self.assertEqual(listed(whole, whole_at), set(np.flatnonzero(blocks[row, query].all(-1))))
                    self.assertEqual(listed(some, some_at) | listed(whole, whole_at), set(np.flatnonzero(blocks[row, query].any(-1))))
                    self.assertFalse(listed(some, some_at) & listed(whole, whole_at))

    def test_rows_held_short(self):
        """In the first rows attention sees NEAR keys, in the others the window."""
        torch.manual_seed(0)
        config = Config(**dict(TINY, mb_per_layer=-1, n_layer=1, local_window=20))
        model = Samba(config)
        ids = torch.randint(0, 300, (1, 24)).repeat(2, 1)
        changed = ids.clone()
        changed[:, 10] = (ids[:, 10] + 1) % 300
        with mock.patch("model.NEAR", 4), torch.no_grad():
            apart = (model.hidden(ids, near=1) - model.hidden(changed, near=1)).abs().amax(-1) > 0
        self.assertEqual(apart[0].nonzero().flatten().tolist(), [10, 11, 12, 13])
        self.assertEqual(apart[1].nonzero().flatten().tolist(), list(range(10, 24)))

    def test_full_attention_twin(self):
        config = Config(**dict(TINY, mb_per_layer=-1, local_window=-1))
        model = Samba(config)
        self.assertTrue(all(isinstance(block.attn, Attention) for block in model.transformer.h))
        ids = torch.randint(0, 300, (1, 24))
        changed = ids.clone()
        changed[0, 0] = (ids[0, 0] + 1) % 300
        with torch.no_grad():  # beyond the window of 8, the first token still tells
            self.assertFalse(torch.equal(model(ids)[0, -1], model(changed)[0, -1]))

    def test_rope_is_relative(self):
        cos, sin = rope_tables(9, 4, 10000)
        x = torch.randn(1, 1, 1, 4).expand(1, 9, 1, 4)
        turned = rotate(x, cos, sin)[0, :, 0]
        dots = turned[:-2] @ turned.t()
        torch.testing.assert_close(dots[0, 2], dots[5, 7])

    def test_chunked_loss(self):
        torch.manual_seed(0)
        hidden, head = torch.randn(2, 7, 5, requires_grad=True), torch.randn(11, 5, requires_grad=True)
        targets, weights = torch.randint(0, 11, (2, 7)), torch.randint(0, 2, (2, 7)).float()
        want = (torch.nn.functional.cross_entropy((hidden @ head.t()).transpose(1, 2), targets, reduction="none")
                * weights).sum()
        with mock.patch.object(loss, "CHUNK", 4):
            got = loss.cross_entropy(hidden, head, targets, weights)
        torch.testing.assert_close(got, want)
        for one, two in zip(torch.autograd.grad(got, [hidden, head]), torch.autograd.grad(want, [hidden, head])):
            torch.testing.assert_close(one, two)

    def test_learning_rate(self):
        at = [train.learning_rate(1.0, done, 0.2, 0.1) for done in (0.1, 0.2, 0.4, 0.6, 1.0, 1.01)]
        np.testing.assert_allclose(at, [0.5, 1, 0.1 + 0.9 * (0.5 + 0.5 * np.sqrt(0.5)), 0.55, 0.1, 0.1])


class Training(Folder):
    def common(self):
        with open(self.at("config.json"), "w") as file:
            json.dump(TINY, file)
        return ["--data", self.at("data"), "--tokenizer", self.tokenizer_path, "--config", self.at("config.json"),
                "--out", self.at("run"), "--batch", "4", "--log-every", "1", "--device", "cpu", "--lr", "0.01"]

    def run_train(self, *extra):
        command = ["train.py", *self.common(), *extra]
        with mock.patch.object(sys, "argv", command), contextlib.redirect_stdout(io.StringIO()):
            return train.main(train.arguments())

    def log(self, *names):
        with open(self.at(*names, "log.jsonl")) as file:
            return [json.loads(line) for line in file]

    def losses(self, name="run"):
        return [entry["loss"] for entry in self.log(name) if "loss" in entry]

    def test_learns_resumes_and_tunes(self):
        self.encode()
        whole = self.run_train("--steps", "30")
        losses = self.losses()
        self.assertLess(losses[-1], losses[0] * 0.7)
        # The same run in two commands ends with the same weights.
        original = train.Trainer.done
        with mock.patch.object(train.Trainer, "done", lambda self, elapsed: 1 if self.step == 13 else original(self, elapsed)):
            self.run_train("--steps", "30", "--out", self.at("halves"))
        halves = self.run_train("--steps", "30", "--out", self.at("halves"), "--resume")
        self.assertEqual(halves.step, 30)
        for (name, one), two in zip(whole.model.state_dict().items(), halves.model.state_dict().values()):
            torch.testing.assert_close(one, two, msg=name)
        saved = torch.load(self.at("run", "model.pth"))
        self.assertTrue(torch.equal(saved["model"]["lm_head.weight"], saved["model"]["transformer.wte.weight"]))
        self.assertEqual(saved["hparams"]["intermediate_size"], 64)
        self.run_train("--stage", "tune", "--init", self.at("run", "model.pth"), "--steps", "20", "--out", self.at("tuned"),
                       "--length", "60")
        tuned = self.losses("tuned")
        self.assertLess(np.mean(tuned[-3:]), np.mean(tuned[:3]))

    def test_what_stages_read_unless_told(self):
        """Recall tuning has keys without being asked, chat tuning needs no text."""
        folder = self.encode()
        few = ["--steps", "1", "--eval-batches", "1"]
        self.assertEqual(self.run_train("--stage", "recall", "--length", "400", *few).data.share, 0.4)
        for name in os.listdir(folder):
            if name.startswith("stories"):
                os.remove(os.path.join(folder, name))
        data._loaded.cache_clear()
        tuned = self.run_train("--stage", "tune", "--length", "60", "--text-share", "0", "--out", self.at("chats"), *few)
        self.assertIsInstance(tuned.data, data.ChatStream)

    def test_dialogues_and_rounding_join_on_the_way(self):
        """Rows made by other processes give the same run; the dialogues come late; what is saved is exact, what is judged rounded."""
        self.encode()
        with open(self.at("wide.json"), "w") as file:
            json.dump(dict(TINY, n_embd=64, intermediate_size=64), file)
        options = ["--config", self.at("wide.json"), "--steps", "12", "--mix-from", "0.5", "--text-share", "0", "--bits", "4",
                   "--embedding-bits", "4", "--round-from", "0.75", "--length", "60", "--eval-batches", "1"]
        alone = self.run_train(*options)
        ahead = self.run_train(*options, "--workers", "2", "--out", self.at("ahead"))
        for name, weight in alone.model.state_dict().items():
            self.assertTrue(torch.equal(weight, ahead.model.state_dict()[name]), name)
        for name in ("run", "ahead"):
            log = self.log(name)
            self.assertEqual([e["step"] for e in log if e.get("event") == "mixture"], [6])
            self.assertEqual([e["step"] for e in log if e.get("event") == "rounding"], [9])
            last = [e for e in log if e.get("event") == "eval"][-1]
            self.assertEqual(last["bits"], 4)
            # A token of the made-up text is about three bytes.
            self.assertLess(last["val_text_bits_per_byte"], last["val_text"] / np.log(2))
            # What rounding costs is told, too.
            told = {key: value for e in log if e.get("event") == "perplexity" for key, value in e.items()}
            self.assertAlmostEqual(told["text"], np.exp(last["val_text"]), 3)
            self.assertNotEqual(told["exact"], told["text"])
        saved = torch.load(self.at("run", "model.pth"))["model"]
        for name, weight in alone.model.state_dict().items():
            self.assertTrue(torch.equal(weight, saved[name]), name)
        # A run that stopped after the dialogues came goes on as if it had not.
        original = train.Trainer.done
        with mock.patch.object(train.Trainer, "done", lambda self, elapsed: 1 if self.step == 8 else original(self, elapsed)):
            self.run_train(*options, "--out", self.at("halves"))
        halves = self.run_train(*options, "--out", self.at("halves"), "--resume")
        for name, weight in alone.model.state_dict().items():
            torch.testing.assert_close(weight, halves.model.state_dict()[name], msg=name)

    def test_two_processes_train_as_one_does(self):
        """DistributedDataParallel over gloo gives the weights of a single process."""
        self.encode()
        plan = [dict(stage=stage, out=self.at("two", stage), steps=steps, recall_share=share)
                for stage, steps, share in (("tune", 3, 0.0), ("recall", 2, 0.6))]
        with open(self.at("plan.json"), "w") as file:
            json.dump(plan, file)
        one = self.run_train("--stage", "tune", "--steps", "3", "--length", "400", "--eval-batches", "1", "--out", self.at("one"))
        # What torchrun does, whose version for Python 3.11 here does not start.
        port = str(free_port())
        both = [subprocess.Popen(
            [sys.executable, os.path.join(HERE, "train.py"), *self.common(), "--plan", self.at("plan.json"), "--length", "400",
             "--eval-batches", "1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port,
                     OMP_NUM_THREADS="1", GLOO_SOCKET_IFNAME="lo")) for rank in "01"]
        for process in both:
            errors = process.communicate(timeout=120)[1]
            self.assertEqual(process.returncode, 0, errors[-2000:])
        two = torch.load(self.at("two", "tune", "state.pt"))
        self.assertEqual(two["step"], 3)
        for name, weight in one.model.state_dict().items():
            torch.testing.assert_close(two["model"][name], weight, rtol=1e-3, atol=2e-4, msg=name)
        for key in ("loss", "val_chat", "grad_norm"):
            np.testing.assert_allclose(*([e[key] for e in self.log(*at) if key in e] for at in (["one"], ["two", "tune"])), rtol=1e-3)
        # The next stage of the plan went on from there.
        recalled = self.log("two", "recall")
        self.assertEqual([e["step"] for e in recalled if "loss" in e or e.get("event") == "finished"], [2, 2])
        self.assertEqual(list(next(e["recall"] for e in recalled if "recall" in e)), ["400", "1600", "6400", "25600"])
        self.assertEqual(list(next(e["held"] for e in recalled if "held" in e)), ["32", "128"])

    def pipeline(self, *extra):
        self.common()
        command = ["pipeline.py", "--data", self.at("data"), "--tokenizer", self.tokenizer_path, "--config", self.at("config.json"),
                   "--work", self.at("work"), "--device", "cpu", "--batch", "16", "--seconds", "100", *extra]
        with mock.patch.object(sys, "argv", command), contextlib.redirect_stdout(io.StringIO()):
            return pipeline.main()

    def test_stages_end_in_time(self):
        """Each stage has its end, counted back from the command's, and recall its longer and fewer rows."""
        ran = []
        with mock.patch.object(pipeline, "train", lambda args, entries: ran.append((time.time(), entries))):
            with self.assertRaisesRegex(CorpusError, "no stage ended with a model"):
                self.pipeline("--tune-seconds", "20", "--recall-seconds", "10", "--lr", "1e-3", "--processes", "2")
        begun, entries = ran[0]
        ends = [entry["until"] - begun for entry in entries]
        np.testing.assert_allclose(np.diff(ends), [20 + pipeline.AFTER, 10 + pipeline.AFTER])
        self.assertTrue(90 < ends[-1] < 100)
        self.assertEqual([entry["stage"] for entry in entries], ["pretrain", "tune", "recall"])
        self.assertEqual([(entry.get("length"), entry.get("batch")) for entry in entries], [(None, None), (None, None), (96, 4)])
        self.assertEqual([entry["lr"] for entry in entries], [1e-3, 6e-4, 4e-4])
        self.assertEqual(len({entry["seed"] for entry in entries}), 3)

    def test_a_rehearsal_of_two_processes(self):
        self.encode()
        options = ["--stages", "pretrain", "tune", "--rehearse", "3", "--length", "400", "--processes", "2", "--workers", "1"]
        with mock.patch.dict(pipeline.STAGES, {name: dict(stage, recall_share=0) for name, stage in pipeline.STAGES.items()}):
            self.assertEqual(self.pipeline(*options, "--batch", "4", "--port", str(free_port())), 0)
            for stage in ("pretrain", "tune"):
                log = self.log("work", stage)
                self.assertEqual([log[-1][key] for key in ("event", "step")], ["finished", 3])
                self.assertTrue(os.path.exists(self.at("work", stage, "model.pth")))
            # Where one process fails, the other is not waited for.
            shutil.rmtree(self.at("work"))
            os.remove(self.at("data", "chat-00.times.npy"))
            with self.assertRaisesRegex(CorpusError, "no stage"), mock.patch.object(sys, "stderr"):
                self.pipeline(*options, "--batch", "4", "--port", str(free_port()))

    def test_twins(self):
        self.encode()
        self.common()
        command = ["twins.py", "--data", self.at("data"), "--tokenizer", self.tokenizer_path, "--config", self.at("config.json"),
                   "--out", self.at("twins"), "--steps", "2", "--batch", "2", "--device", "cpu", "--sequences", "2", "--scan", "32,2,1"]
        ran = []
        with mock.patch.object(sys, "argv", command), contextlib.redirect_stdout(io.StringIO()) as out, \
                mock.patch.object(subprocess, "run", lambda command, env: ran.append(command) or self.in_process(command[1:])):
            twins.main()
        self.assertEqual([command[command.index("--scan") + 1] for command in ran], ["32,2,1"] * 3)
        with open(self.at("twins", "twins.json")) as file:
            results = json.load(file)
        self.assertEqual(list(results), list(twins.PAPER))
        sizes = [result["parameters"] for result in results.values()]
        self.assertLess(max(sizes) / min(sizes), 1.03)
        for name, result in results.items():
            self.assertEqual(list(result["perplexity"]), ["24", "48", "96"])
            self.assertTrue(all(100 < p < 1000 for p in result["perplexity"].values()), result)
            self.assertIn(f"| {name} | {result['parameters']:,} |", out.getvalue())

    def in_process(self, command):
        with mock.patch.object(sys, "argv", command):
            train.main(train.arguments())
        return mock.Mock(returncode=0)

    def test_one_sentence_for_bad_input(self):
        self.encode()
        small = dict(TINY, vocab_size=64)
        with open(self.at("small.json"), "w") as file:
            json.dump(small, file)
        with self.assertRaisesRegex(CorpusError, "not the tokenizer of this model"):
            self.run_train("--steps", "1", "--config", self.at("small.json"))
        with self.assertRaisesRegex(CorpusError, "no encoded text"):
            self.run_train("--steps", "1", "--data", self.at("nothing"))
        with self.assertRaisesRegex(CorpusError, "want at least"):
            self.run_train("--steps", "1", "--length", "100000")
        done = subprocess.run([sys.executable, os.path.join(HERE, "data.py"), self.at("none.xz"), "--tokenizer",
                               self.tokenizer_path, "--out", self.at("d"), "--workers", "1"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_parts(self):
        os.makedirs(self.at("in"))
        blob = os.urandom(10001)
        with open(self.at("in", "blob"), "wb") as file:
            file.write(blob)
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                pack(["in/blob"], "parts", 3)
            unpack("parts", "out")
        finally:
            os.chdir(here)
        with open(self.at("out", "in", "blob"), "rb") as file:
            self.assertEqual(file.read(), blob)


if __name__ == "__main__":
    unittest.main()
