"""Single questions of the authored dialogues, asked in other forms: a fact wants many passes in several phrasings."""
import re

from corpus import documents

from .phrasing import capital, styled

PERSONAL = re.compile(r"\b(my|i|i'm|im|me|mine|we|our|your name)\b|\n", re.I)
INDIRECT = ["Can you tell me {q}?", "Do you know {q}?", "Tell me {q}.", "I would like to know {q}.", "I want to know {q}.", "Could you tell me {q}, please?", "Please tell me {q}.", "I wonder {q}.", "Can you explain {q}?"]


def load(shard):
    """Question and answer of every dialogue of one turn, and the whole dialogues of several turns."""
    return [[(m[i]["content"], m[i + 1]["content"]) for i in range(0, len(m) - 1, 2)] for m in (d["messages"] for d in documents(shard))
            if len(m) >= 2 and m[0]["role"] == "user" and len(m) % 2 == 0 and all(message["content"].strip() for message in m)]


def indirect(random, question):
    """"Where is Rome?" becomes "Can you tell me where Rome is?" """
    found = re.match(r"^(What|Who|Where|When|Which|Why|How)('s| is| are| was| were) ((?:the |a |an )?[\w'-]+(?: of [\w' -]+)?)\??$", question)
    if not found:
        return None
    word, verb, rest = found.groups()
    verb = " is" if verb == "'s" else verb
    return random.choice(INDIRECT).format(q=f"{word.lower()} {rest}{verb}")


def single(random, dialogues):
    """A question that says nothing of the visitor, with a short answer."""
    for _ in range(50):
        turns = random.choice(dialogues)
        question, answer = turns[0]
        if len(turns) == 1 and len(answer) < 260 and len(question) < 120 and not PERSONAL.search(question):
            return [(again_styled(random, question), answer)]
    return [("Hello!", "Hello! How can I help you?")]


def again_styled(random, question):
    if random.random() < 0.2:
        other = indirect(random, question)
        if other:
            return other
    question = capital(question) if random.random() < 0.5 else question
    if question[-1].isalnum() and re.match(r"^(what|who|where|when|which|why|how|is|are|do|does|can)\b", question, re.I) and random.random() < 0.5:
        question += "?"
    return styled(random, question)


def again(random, dialogues, other):
    """An authored dialogue whose first question is written otherwise; or two or three single ones in a row."""
    if random.random() < 0.25:
        turns = []
        for _ in range(random.choice([2, 2, 3])):
            turns += single(random, dialogues)
        return turns
    turns = random.choice(dialogues)
    question, answer = turns[0]
    if len(question) > 200 or "\n" in question or '"' in question:
        return other(random) + turns
    return [(again_styled(random, question), answer)] + turns[1:]
