"""Questions about the first sentences of real articles, answered in their words."""
import re

from corpus import documents

from .passages import FRAMES, UNKNOWN
from .phrasing import capital, styled

SENTENCE = re.compile(r"(?<=[a-z)0-9]\.) (?=[A-Z])")
UNKIND = re.compile(r"\b(kill|sex|porn|rape|suicid|murder|tortur|genital|massacre|sacrific|terror)", re.I)
ABSENT = ["How tall is the author of this text?", "What did it cost?", "Who wrote this text?", "What is the phone number given?", "How many people have read this?", "Which colour is named in the title?"]


def load(shard):
    """Title and the first one to three sentences of articles that begin plainly: "X is a ..." """
    found = []
    for document in documents(shard):
        title = re.sub(r" \(.*", "", document["title"])
        sentences = [s.strip() for s in SENTENCE.split(document["text"][:1500].replace("\n", " ").strip())]
        first = re.match(r"(?:The |A |An )?" + re.escape(title) + r" (is|was|are|were) (an? |the |one )[^()\[\]{}|=]{15,170}\.$", sentences[0])
        if not first or len(title.split()) > 3 or UNKIND.search(sentences[0]):
            continue
        rest = []
        for sentence in sentences[1:3]:
            if not 30 < len(sentence) < 160 or re.search(r"[()\[\]{}|=;]", sentence) or not sentence.endswith("."):
                break
            rest.append(sentence)
        found.append((title, first[1], sentences[0], rest))
    return found


def reading(random, articles):
    """A text of one to three sentences and one to three questions about it."""
    title, verb, first, rest = random.choice(articles)
    rest = rest[:random.choice([0, 1, 1, 2])]
    text = " ".join([first] + rest)
    wh = "Who" if re.search(r"\b(actor|actress|writer|singer|songwriter|politician|painter|composer|scientist|footballer|philosopher|physicist|poet|emperor|novelist|musician|explorer)\b", first[:90]) and verb in ("is", "was") else "What"
    name = re.match(r"(.*?) " + verb + " ", first)[1]
    asked = name[0].lower() + name[1:] if name.startswith(("The ", "A ", "An ")) else name
    pool = [(random.choice([f"{wh} {verb} {asked}?", f"{wh} {verb} {asked}, according to the text?", f"What does the text say about {asked}?"]), first),
            (random.choice(["What is this text about?", "What is the subject of this text?", "Name the topic of the text."]), random.choice([f"It is about {asked}.", f"The text is about {asked}.", capital(asked) + "."]))]
    years = sorted(set(re.findall(r"\b1\d{3}\b|\b20[012]\d\b", text)))
    if len(years) == 1:
        pool.append((random.choice(["Which year is named in the text?", "What year is in the text?", "Find the year in this text."]), random.choice([f"The year {years[0]}.", years[0] + ".", f"The text names the year {years[0]}."])))
    if not rest:
        pool.append((random.choice(["How many sentences is this?", "How many sentences does the text have?"]), "It is one sentence."))
    else:
        pool.append((random.choice(["Sum up the text in one sentence.", "Shorten this to its first point.", "What is the main point?", "Summarise it in one sentence."]), first))
        pool.append((random.choice(["What is the last sentence?", "Repeat the last sentence of the text."]), rest[-1]))
    if random.random() < 0.2:
        pool.append((random.choice(ABSENT), random.choice(UNKNOWN)))
    chosen = random.sample(pool, min(len(pool), random.choice([1, 1, 2, 3])))
    q, r = chosen[0]
    return [(random.choice(FRAMES).format(p=text, q=q, q2=q[0].lower() + q[1:]), r)] + [(styled(random, q), r) for q, r in chosen[1:]]
