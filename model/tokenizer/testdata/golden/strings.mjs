// The strings that every tokenizer must encode exactly as the Rust tokenizers do.

/** A small seeded generator (mulberry32): the same strings on every machine. */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const spaces = [" ", "  ", "   ", "\t", "\t\t", "\n", "\n\n", "\r", "\r\n", "\r\n\r\n", " \n", "\n ", " \r\n ", "\v", "\f", "\u0085", "\u00a0", "\u1680",
  "\u2000", "\u2003", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u200b", "\ufeff", "\u180e", "\u00a0 ", " \u3000 "];

const scripts = ["été", "naïve", "Ångström", "Straße", "ŒUVRE", "Ǆ", "ǅ", "ǆungla", "İstanbul", "ırmak", "ſs", "ﬁn", "Ελληνικά", "ΣΊΣΥΦΟΣ", "Привет", "МИР", "їжак",
  "שָׁלוֹם", "مَرْحَبًا", "العربية", "हिन्दी", "নমস্কার", "தமிழ்", "ไทยแลนด์", "မြန်မာ", "ខ្មែរ", "日本語", "ひらがな", "カタカナ", "中文字符", "漢字かな交じり", "한국어", "한국어",
  "𝒜𝓁𝓅𝒽𝒶", "𐍈𐌰𐌽", "ᏣᎳᎩ", "Ꮳꭰ", "ʰʷ", "ᴬᴮ", "ªº", "e\u0301", "a\u0308\u0323", "q\u0307\u0323", "\u0301", "\u0301\u0302\u0303", "n\u0303o", "각", "ｆｕｌｌ", "①②", "Ⅷ", "ⅷ", "½", "²³", "٣٤", "१२३", "๔๕", "𝟘𝟙",
  "〇一二", "㍿", "Å", "Ω", "ﷺ", "ﬀ"];

const emoji = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🇩🇪🇫🇷", "❤️", "☺", "🧑🏿‍🚀", "#️⃣", "\u200d", "\ufe0f", "🫠", "🀄"];

const words = ["the", "The", "THE", "hello", "Hello", "world", "HelloWorld", "camelCaseWord", "XMLHttpRequest", "snake_case_name", "iPhone", "McDonald", "NASA", "a", "I",
  "x", "antidisestablishmentarianism", "Donaudampfschifffahrtsgesellschaft", "http", "www", "function", "return", "def", "print", "selective", "state", "space", "token"];

const contractions = ["'s", "'S", "'t", "'T", "'re", "'RE", "'Re", "'ve", "'VE", "'m", "'M", "'ll", "'LL", "'lL", "'d", "'D", "'ſ", "'x", "''", "’s", "’ll", "'", "'tis", "'llama", "don't", "DON'T",
  "I'm", "we'll", "they'RE", "rock'n'roll", "O'Brien", "it's's", "'sS", "x'ſt"];

const digits = ["0", "7", "12", "123", "1234", "12345", "1234567890", "3.14159", "1,000,000", "0x1F600", "1e-10", "2024-02-29", "12:34:56", "+49", "v2", "a1b2c3", "007", "9".repeat(17)];

const punctuation = [".", ",", "!", "?", "...", "!!!", "?!", "--", "—", "–", "…", "(", ")", "[]", "{}", "<", ">", "</", "/>", "//", "/*", "*/", "\\", "|", "||", "&", "&&", "=", "==", "=>", "+", "++", "-", "_", "__", "#", "##",
  "$", "%", "^", "~", "`", "```", "\"", "“", "”", "«", "»", "¿", "¡", "。", "、", "，", "！", "「", "」", "·", "•", "§", "©", "™", "€", "£", "°", "±", "×", "÷", "→", "∑", "√", "∞", "\u2581", "\u2581\u2581", "@", ";", ":", "!\n", ".\r\n", "/\n", "./", ")\n\n"];

const controls = ["\u0000", "\u0001", "\u0007", "\u0008", "\u001b[0m", "\u001f", "\u007f", "\u0080", "\u009f", "\u00ad", "\u061c", "\u200e", "\u202e", "\u2066", "\ufffc", "\ufffd", "\ufffd\ufffd", "\uffff", "\ue000", "\u{10ffff}", "\u{e0001}", "\u0378"];

const specials = ["<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_start", "|im_end|>", "<|user|>", "<S>", "<s", "<<s>>", "<0x0A>", "<0xE2>", "<0x", "Ġ", "Ċ", "ĠĠ", "Ġthe", "â", "[PAD]", "[WORD]", "[LEFT]", "[RIGHT]", "[NORM]", "x[WORD]", "[WORD]x",
  "é[WORD]", " [WORD] ", "  [LEFT]", "[RIGHT]  ", "[LEFT][RIGHT]", "  [LEFT]  [RIGHT]  ", "[RIGHT] \n[LEFT]", "[WORD][WORD]", "[WORD]-[WORD]", "[NORM] ", "é[NORM]", "Å[NORM]", "naïve token", "[SPEC]", "q [SPEC]", "aa", "aaa", "aaaa", "[PAD][PAD]", "[NORM][PAD]", "\u3000[LEFT]", "[RIGHT]\u00a0\u0085x"];

const pools = [spaces, scripts, emoji, words, words, contractions, digits, punctuation, controls, specials];

const whole = [
  "", " ", "Hello, world!", "The quick brown fox jumps over the lazy dog.", "  two leading spaces", "two trailing spaces  ", "\n\n\n", " \n \n ", "a\r\n\r\n\r\nb", "a \r\n b\r\r\nc", "tabs\t\tand\tspaces \t ",
  "if (x == 1) {\n    return foo(bar[2], \"baz\");\n}\n", "def f(x):\n\treturn x ** 2  # square\n\n\nclass A:\n    pass\n", "<html><body class=\"a b\">&nbsp;</body></html>", "SELECT * FROM t WHERE a<>'b';",
  "She said: \"I'll be there at 12:30, won't I?\" They'd've known.", "IT'S DON'T WE'LL I'M YOU'RE THEY'VE HE'D", "price: $1,234.56 (≈ 1.100,25 €)", "e = mc²; H₂O; x⁻¹; ½ + ¼ = ¾", "https://example.org/a/b?c=d&e=%20#frag", "user.name+tag@example.org",
  "Ω Ω Å Å ﬁ ﬀ ｆｕｌｌ 한 한", "שלום עולם مرحبا بالعالم", "私は学生です。東京へ行きます！", "今天天气很好，我们去公园吧。2024年5月1日", "안녕하세요, 세계!", "สวัสดีชาวโลก", "नमस्ते दुनिया १२३", "Zażółć gęślą jaźń", "Þæt wæs gōd cyning",
  "👩‍👩‍👧‍👦👍🏽🏳️‍🌈🇩🇪🇫🇷", "x".repeat(300), "ab".repeat(200), "a".repeat(1000), " ".repeat(100) + "x", "x" + " ".repeat(100), "\n".repeat(50) + "x", "1".repeat(100), "é".repeat(150), "漢".repeat(120), "😀".repeat(80), "e\u0301".repeat(60), "\u0301".repeat(50),
  "!".repeat(100), "\u200d".repeat(20), "\ufffd".repeat(10), "\u0000".repeat(10), "A".repeat(100), "Aa".repeat(100), "aA".repeat(100), "-=".repeat(60), ".".repeat(77) + "\n" + "/".repeat(9), "'s".repeat(40), "\u2581".repeat(12), "\u2581 \u2581a \u2581 b",
  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", "<s>[INST] Hi [/INST] there</s>", "<s> <s>  </s>\n</s>", "<0x41><0x42>", "\r\n".repeat(30), "\t ".repeat(30), "\u3000".repeat(9) + "全角", "\u00a0".repeat(5) + "x",
];

/** All strings: those above one by one, pairs of neighbours, and random compositions. */
export function strings() {
  const out = [...whole];
  for (const pool of new Set(pools)) for (const s of pool) out.push(s, `${s} x`, `x${s}`, ` ${s}a`);
  const next = random(20240229);
  const pick = (list) => list[Math.floor(next() * list.length)];
  while (out.length < 2600) {
    // Half of them are mostly words with spaces, as text is; half are anything.
    const natural = next() < 0.5;
    let s = "";
    for (let n = 2 + Math.floor(next() * 12); n > 0; n--) {
      s += natural && next() < 0.6 ? pick(words) : pick(pick(pools));
      if (natural ? next() < 0.7 : next() < 0.15) s += " ";
    }
    out.push(s);
  }
  return out;
}
