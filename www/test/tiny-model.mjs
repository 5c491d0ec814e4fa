/**
 * Writes a whole model folder that is far too small to make sense: every part
 * of a real one (Mamba, sliding-window attention, shards, hashes, tokenizer,
 * chat template), random weights, a few hundred kilobytes.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const peaceful = (
  "the a of and to in is was sea light old house keeper ship night wind star water river stone bird tree " +
  "song slow small white deep said went saw came over under through again then when where little far home"
).split(" ");

const config = {
  model_type: "samba",
  hidden_size: 64,
  num_hidden_layers: 4,
  layer_types: ["mamba", "sliding_attention", "mamba", "sliding_attention"],
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 32,
  sliding_window: 32,
  intermediate_size: 128,
  mamba_d_state: 16,
  mamba_d_conv: 4,
  mamba_expand: 2,
  mamba_dt_rank: 4,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: false,
  vocab_size: 512,
  max_position_embeddings: 256,
};

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteAlphabet() {
  const plain = (b) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(plain(b) ? b : next++));
}

/** Uniform numbers from a seed, so that every run tests the same model. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function tensors(words) {
  const c = config;
  const inner = c.mamba_expand * c.hidden_size;
  const list = [];
  const uniform = random(7);
  const add = (name, shape, fill = (n) => ((uniform() - 0.5) * 3) / Math.sqrt(n)) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const fan = shape.at(-1);
    for (let i = 0; i < values.length; i++) values[i] = fill(fan, i);
    list.push({ name, shape, values });
  };
  const one = () => 1;
  add("embed_tokens.weight", [c.vocab_size, c.hidden_size], () => uniform() - 0.5);
  c.layer_types.forEach((kind, i) => {
    const at = (name) => `layers.${i}.${name}`;
    add(at("mixer_norm.weight"), [c.hidden_size], one);
    if (kind === "mamba") {
      add(at("mixer.in_proj.weight"), [2 * inner, c.hidden_size]);
      add(at("mixer.conv1d.weight"), [inner, c.mamba_d_conv]);
      add(at("mixer.conv1d.bias"), [inner]);
      add(at("mixer.x_proj.weight"), [c.mamba_dt_rank + 2 * c.mamba_d_state, inner]);
      add(at("mixer.dt_proj.weight"), [inner, c.mamba_dt_rank]);
      add(at("mixer.dt_proj.bias"), [inner], () => -3);
      add(at("mixer.A_log"), [inner, c.mamba_d_state], (n, j) => Math.log(1 + (j % n)));
      add(at("mixer.D"), [inner], one);
      add(at("mixer.out_proj.weight"), [c.hidden_size, inner]);
    } else {
      const heads = c.num_attention_heads + 2 * c.num_key_value_heads;
      add(at("mixer.qkv_proj.weight"), [heads * c.head_dim, c.hidden_size]);
      add(at("mixer.o_proj.weight"), [c.hidden_size, c.num_attention_heads * c.head_dim]);
    }
    add(at("mlp_norm.weight"), [c.hidden_size], one);
    add(at("mlp.gate_up_proj.weight"), [2 * c.intermediate_size, c.hidden_size]);
    add(at("mlp.down_proj.weight"), [c.hidden_size, c.intermediate_size]);
  });
  add("norm.weight", [c.hidden_size], one);
  // Words alone are likely, so that the answer is readable text: bytes and spare rows stay at nothing.
  const first = 256;
  const last = first + words.length;
  add("lm_head.weight", [c.vocab_size, c.hidden_size], (n, i) => {
    const row = Math.floor(i / n);
    return row >= first && row < last ? 2.5 * (uniform() - 0.5) : 0;
  });
  return list;
}

function safetensors(list) {
  const header = {};
  let offset = 0;
  for (const { name, shape, values } of list) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, Buffer.from(text), ...list.map(({ values }) => Buffer.from(values.buffer))]);
}

/** A tokenizer.json whose tokens are the 256 bytes. */
export function byteTokenizer() {
  return {
    added_tokens: [],
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(byteAlphabet().map((char, id) => [char, id])),
      merges: [],
    },
  };
}

/** Writes the folder, of a model that says the given words at random, and returns the names of its shards. */
export function writeTinyModel(folder, words = peaceful) {
  mkdirSync(folder, { recursive: true });
  const write = (name, content) =>
    writeFileSync(join(folder, name), Buffer.isBuffer(content) ? content : JSON.stringify(content, null, 1));

  const vocab = Object.fromEntries(byteAlphabet().map((char, id) => [char, id]));
  const alphabet = byteAlphabet();
  for (const word of words) {
    const bytes = [...Buffer.from(` ${word}`)];
    vocab[bytes.map((byte) => alphabet[byte]).join("")] = Object.keys(vocab).length;
  }
  const special = ["<|user|>", "<|assistant|>", "<|end|>"].map((content, i) => ({
    id: 256 + words.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  write("config.json", config);
  write("tokenizer.json", {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: [],
    },
  });
  write("tokenizer_config.json", {
    eos_token: "<|end|>",
    chat_template:
      "{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}" +
      "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}" +
      "{% for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}<|end|>{% endfor %}" +
      "{% if add_generation_prompt %}<|assistant|>{% endif %}",
  });
  write("generation_config.json", { temperature: 0.7, top_p: 0.95, eos_token_id: special[2].id });

  const list = tensors(words);
  const third = Math.ceil(list.length / 3);
  const index = { metadata: { total_size: 0, sha256: {}, size: {} }, weight_map: {} };
  const shards = [];
  for (let i = 0; i < 3; i++) {
    const name = `model-0000${i + 1}-of-00003.safetensors`;
    const part = list.slice(i * third, (i + 1) * third);
    const data = safetensors(part);
    for (const tensor of part) index.weight_map[tensor.name] = name;
    index.metadata.size[name] = data.length;
    index.metadata.sha256[name] = createHash("sha256").update(data).digest("hex");
    index.metadata.total_size += part.reduce((sum, { values }) => sum + values.byteLength, 0);
    write(name, data);
    shards.push(name);
  }
  write("model.safetensors.index.json", index);
  return shards;
}
