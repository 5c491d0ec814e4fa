"""Science and how things work, briefly."""
from .phrasing import lower_first
from .rows import answered, questions

SCIENCE = questions("science")


def science(random):
    """A question and its answer; now and then the same once more, in simpler dress."""
    entry = random.choice(SCIENCE)
    turns = answered(random, entry)
    draw = random.random()
    if draw < 0.08:
        question = random.choice(entry[0])
        if question.startswith(("Why ", "How ", "What ")) and question.endswith("?"):
            turns = [(random.choice(["I have always wondered: {q}", "My daughter wants to know: {q}", "A question for you: {q}", "{Q} Explain it simply.", "{Q} In one or two sentences, please.", "Explain to a child: {q}", "Simple answer please: {q}", "For my homework: {Q}"]).format(q=lower_first(question), Q=question), entry[1][0])]
    return turns
