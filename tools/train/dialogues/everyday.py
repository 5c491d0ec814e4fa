"""Short everyday passages, composed: a scene of tables/everyday.txt is drawn, some of its facts are said in some order and wording,
and questions are asked of what was said.

A line of the table begins a scene (# name), draws from a pool of its own (x = one|two|three, also as {x2}), or is a fact:
$ wordings, $1 the opening that is always said, $+ only behind the fact above it; ? questions = answers, of the fact above;
% contrasts: said of the first ; of the next ; conditions ; values ; questions ; answers ; questions back ; answers back;
= effect | cause | question without why | cause as a noun; ! what is left open; ~ the gist.
<p> is a person: a name where first met, then "she" or "he"; <p's>, <p@> are "her", "him"."""
import re

from .lists import BOYS, CITIES, COLOURS, DAYS, FOODS, GIRLS, HOBBIES, JOBS, MONTHS, NAMES, PET_NAMES, SURNAMES
from .numbers import words
from .passages import FRAMES, SUMMARISE, UNKNOWN, VILLAGES, asked_on, given_first
from .phrasing import COMMON, a, capital, listed
from .rows import lines

TOWNS = CITIES + VILLAGES
PLAIN_COLOURS = [c for c in COLOURS if c not in ("gold", "silver", "beige")] + ["dark blue", "light green", "dark red", "yellow", "cream", "navy blue"]
MATERIALS = "wood stone brick glass steel iron clay leather wool cotton silk paper bamboo copper brass plastic straw linen marble tin".split()
ANIMALS = "dog cat goat donkey parrot rabbit hen goose horse hedgehog owl fox squirrel swan heron crow duck sheep tortoise".split()
STREETS = [x + y for x in "Mill Park Station Church River Garden Bridge High King Market Orchard Harbour Castle Chapel Linden Meadow Queen School Tanner Well".split() for y in (" Street", " Road", " Lane")]
REPEATED = {"d": DAYS, "m": MONTHS, "col": PLAIN_COLOURS, "mat": MATERIALS, "town": TOWNS, "vil": VILLAGES, "food": FOODS, "job": JOBS, "hobby": HOBBIES, "pet": PET_NAMES, "animal": ANIMALS, "street": STREETS, "name": NAMES, "sur": SURNAMES}
CURRENCIES = ["{} euros"] * 4 + ["{} pounds", "£{}", "${}", "{} dollars", "{} francs", "{} crowns", "€{}"]


class Slots(dict):
    """What stands for the {names} of a text, drawn when it is first asked for; {x}, {x2} and {x3} are never the same."""

    def __init__(self, random, pools):
        super().__init__()
        self.random, self.pools, self.taken = random, pools, {}
        self.late, self.spelled, self.money = random.random() < 0.4, random.random() < 0.5, random.choice(CURRENCIES)
        girl = random.random() < 0.5
        self.girl = {"p": girl, "q": not girl}  # the two of a text are never both "she"

    def __missing__(self, key):
        if key.startswith("an_"):
            value = a(self[key[3:]])
        elif key.startswith("cap_"):
            value = capital(self[key[4:]])
        elif key in "pqrs":
            value = self.new("name", lambda: self.random.choice(NAMES if key in "rs" else GIRLS if self.girl[key] else BOYS))
        else:
            value = self.another(key.rstrip("23456789"))
        self[key] = value
        return value

    def new(self, family, draw):
        taken = self.taken.setdefault(family, set())
        for _ in range(300):
            value = draw()
            same = value if isinstance(value, str) else value[0]
            if same not in taken:
                taken.add(same)
                return value
        raise LookupError(family)

    def another(self, family):
        r = self.random
        pool = self.pools.get(family) or REPEATED.get(family)
        if pool:
            return self.new(family, lambda: r.choice(pool))
        return self.new(family, getattr(self, "draw_" + family))

    def draw_n(self):  # a small number, in words or figures throughout the text
        n = self.random.randint(2, 12)
        return words(n) if self.spelled else str(n)

    def draw_big(self):
        return str(self.random.randint(13, 99))

    def draw_many(self):
        return str(self.random.randint(11, 95) * 10)

    def draw_age(self):
        return str(self.random.randint(5, 94))

    def draw_eu(self):
        return self.money.format(self.random.randint(2, 60))

    def draw_open(self):
        h, m = self.random.randint(6, 11), self.random.choice(["00", "00", "30", "15"])
        return f"{h}:{m}" if self.late else f"{h} am" if m == "00" else f"{h}:{m} am"

    def draw_shut(self):
        h, m = self.random.randint(13, 22), self.random.choice(["00", "00", "30", "45"])
        return f"{h}:{m}" if self.late else f"{h - 12} pm" if m == "00" else f"{h - 12}:{m} pm"

    def draw_clock(self):
        r = self.random
        if self.spelled:
            return r.choice(["{} o'clock", "half past {}", "quarter past {}", "quarter to {}"]).format(words(r.randint(1, 11)))
        return f"{r.randint(6, 21)}:{r.choice(['00', '05', '10', '15', '20', '25', '30', '40', '45', '50', '55'])}"

    def draw_early(self):
        return str(self.random.randint(1650, 1890))

    def draw_year(self):
        return str(self.random.randint(1900, 1975))

    def draw_late(self):
        return str(self.random.randint(1980, 2025))

    def draw_date(self):
        return f"{self.random.randint(1, 28)} {self.random.choice(MONTHS)}"


MARK = re.compile(r"<([pq])('s|@|)>")


def fill(slots, form, known=None, again=0.75, begins=True):
    """A wording with its slots and persons filled; known holds who was named already, and gets who is named now."""
    text = form.format_map(slots)
    if "<" in text:
        known = set() if known is None else known

        def person(found):
            who, case = found.groups()
            if who in known and slots.random.random() < again:
                girl = slots.girl[who]
                return ("her" if girl else "his") if case == "'s" else ("her" if girl else "him") if case else ("she" if girl else "he")
            known.add(who)
            return slots[who] + (("'" if slots[who].endswith("s") else "'s") if case == "'s" else "")
        text = MARK.sub(person, text)
    return START.sub(lambda found: found[1] + found[2].upper(), text) if begins else text


START = re.compile(r"(^|[.!?] )([a-z])")


class Fact:
    """A fact as the table has it."""

    def __init__(self, sort, says):
        self.sort, self.says, self.asked = sort, says, []


class Scene:
    def __init__(self, name):
        self.name, self.pools, self.facts, self.open, self.gist = name, {}, [], [], []


def parted(text, by="|"):
    return [part.strip() for part in text.split(by)]


def load():
    scenes = []
    for line in map(str.strip, lines("everyday")):
        sign, _, rest = line.partition(" ")
        if sign == "#":
            scenes.append(Scene(rest))
        elif sign in ("$", "$1", "$+"):
            scenes[-1].facts.append(Fact(sign, parted(rest)))
        elif sign == "%":
            fields = [parted(field) for field in rest.split(" ; ")]
            scenes[-1].facts.append(Fact("%", fields))
        elif sign == "=":
            scenes[-1].facts.append(Fact("=", parted(rest)))
        elif sign == "?":
            asks, _, answers = rest.rpartition(" = ")
            scenes[-1].facts[-1].asked.append((parted(asks), parted(answers)))
        elif sign == "!":
            scenes[-1].open += parted(rest)
        elif sign == "~":
            scenes[-1].gist += parted(rest)
        else:
            name, _, values = line.partition(" = ")
            scenes[-1].pools[name] = [parted(v, "/") if "/" in v else v for v in parted(values)]
    return scenes


class Passage:
    """A text that is being made: its sentences, and (weight, questions, answers) as functions that give one of each."""

    def __init__(self):
        self.sentences, self.questions, self.claims, self.people, self.open, self.gist = [], [], [], set(), [], None


def low(sentence):
    """A sentence inside another: a common first word loses its capital."""
    first = re.match(r"[\w']*", sentence)[0].removesuffix("'s")
    return sentence[0].lower() + sentence[1:] if first.lower() in MID else sentence


MID = COMMON | set("""because after before during behind under near adults children outside inside last every each one two three four five six seven eight nine ten eleven twelve
members non-members students visitors guests beginners adult until with without as when while although its their most many some all both new old every then later once first you please clean press use whose whom""".split()) - {"will", "may"}

GENERIC_OPEN = ["How old is {p}?", "What is {p}'s surname?", "Where was {p} born?", "What is {p}'s favourite colour?", "How tall is {p}?", "Does {p} have a brother?", "What is {p}'s phone number?", "Who is {p}'s best friend?", "What does {p} like to eat?"]


def tell_plain(random, slots, fact, made, known):
    said = fill(slots, random.choice(fact.says), known)
    made.sentences.append(said if said[-1] in '.!?:"' else said + ".")
    for asks, answers in fact.asked:
        made.questions.append((1, slots, asks, answers))
    claim = fill(slots, fact.says[0])
    if claim.count(". ") == 0 and '"' not in claim:
        made.claims.append((claim if claim[-1] == "." else claim + ".", falsified(random, slots, fact.says[0])))


def falsified(random, slots, form):
    """The wording with another value in one slot, or None."""
    keys = [key for key in re.findall(r"\{(\w+)", form) if not key.startswith(("an_", "cap_")) and key not in ("p", "q", "r", "s")]
    if not keys:
        return None
    key = random.choice(keys)
    if isinstance(slots[key], list):
        return None
    kept = slots[key]
    slots[key] = slots.another(key.rstrip("23456789"))
    derived = {other: slots.pop(other) for other in ("an_" + key, "cap_" + key) if other in slots}
    text = fill(slots, form)
    slots.pop("an_" + key, None)
    slots.pop("cap_" + key, None)
    slots[key] = kept
    slots.update(derived)
    return text if text[-1] == "." else text + "."


def values_of(slots, field, k):
    """k values: of a family of slots (@eu), or some of those that are written out."""
    if field[0].startswith("@"):
        return [slots.another(field[0][1:]) for _ in range(k)]
    return slots.random.sample(parted(field[0], "/"), k)


def tell_contrast(random, slots, fact, made, known):
    long, short, conditions, values, asks, answers = fact.says[:6]
    back, back_answers = fact.says[6:8] if len(fact.says) > 6 else ([], [])
    conditions = parted(conditions[0].format_map(slots), "/")
    k = min(len(conditions), random.choice([2, 2, 3]))
    conditions = [conditions[i] for i in sorted(random.sample(range(len(conditions)), k))]
    if random.random() < 0.25 and not any(re.search(r"\b(first|second|last|then|later|after)\b", c) for c in conditions):
        conditions.reverse()
    values = values_of(slots, values, k)
    local = [Local(slots, c, v) for c, v in zip(conditions, values)]
    full = [fill(l, random.choice(long), known if i == 0 else set(known)) for i, l in enumerate(local)]
    rest = [fill(l, random.choice(short), known, begins=False) for l in local[1:]]
    draw = random.random()
    if draw < 0.25:
        said = ". ".join(full) if random.random() < 0.6 or k > 2 else full[0] + random.choice([". But ", ". However, "]) + low(full[1])
    elif k == 2:
        said = full[0] + random.choice([", ", " and ", ", and ", ", but ", "; "]) + rest[0]
    else:
        said = full[0] + ", " + rest[0] + random.choice([" and ", ", and ", ", but "]) + rest[1]
    made.sentences.append(said + ".")
    for l in local:
        made.questions.append((3, l, asks, answers))
        if back:
            made.questions.append((1.5, l, back, back_answers))
    i, j = random.sample(range(k), 2)
    true, false = fill(local[i], long[0]) + ".", fill(Local(slots, conditions[i], values[j]), long[0]) + "."
    made.claims += [(true, false)] * 2


class Local(dict):
    """The slots of a text with one condition and its value."""

    def __init__(self, slots, c, v):
        super().__init__(c=c, C=capital(c), v=v, V=capital(v))
        self.slots, self.random, self.girl = slots, slots.random, slots.girl

    def __missing__(self, key):
        return self.slots[key]


CAUSED = ["{E} because {c}.", "{E} because {c}.", "{E} because {c}.", "{E}. The reason: {c}.", "{E}: {c}.", "{E}, as {c}.", "{E}. This was because {c}.", "{C}, so {e}.", "{C}, so {e}.", "{C}. So {e}.", "{C}. That is why {e}.", "{C}. For this reason {e}.", "As {c}, {e}.", "Since {c}, {e}.", "Because {c}, {e}.", "{C}, and so {e}.", "{C}, and that is why {e}.", "{C}. As a result, {e}.", "{C}; therefore {e}."]
EFFECT_FIRST = [form for form in CAUSED if form.startswith("{E}")]
CAUSED_NOUN = ["{E} because of {n}.", "{E} because of {n}.", "Because of {n}, {e}.", "{E}. The reason was {n}."]
WHY = ["Why {q}?", "Why {q}?", "Why {q}?", "why {q}", "For what reason {q}?", "How come {e}?", "Why is it that {e}?", "What is the reason that {e}?", "{E}. Why?", "Can you tell me why {e}?", "Please explain why {e}.", "Do you know why {e}?", "I would like to know why {e}."]
BECAUSE = ["Because {c}.", "Because {c}.", "{C}.", "{E} because {c}."]
POINTS = re.compile(r"(?<!<)\b(he|it|its|they|them|then|one|ones|two|most)\b|^there$|there$")  # in a cause, points at something in the effect: the effect comes first
NOW = re.compile(r"(is|are|has|have|can|may|do|does|must|should)\b")  # how the question begins where it is of today


def tell_cause(random, slots, fact, made, known):
    effect, cause, query = fact.says[:3]
    noun = fact.says[3] if len(fact.says) > 3 else ""
    points = POINTS.search(cause)
    form = random.choice(CAUSED_NOUN if noun and random.random() < 0.35 else EFFECT_FIRST if points else CAUSED)
    by_noun = form in CAUSED_NOUN
    now = NOW.match(query)
    if now:
        form = form.replace("This was because", "This is because").replace("The reason was", "The reason is")
    parts = {"e": effect, "c": cause, "n": noun, "q": query}
    put = lambda form: re.sub(r"\{([ecnqEC])\}", lambda found: parts[found[1].lower()], form)
    made.sentences.append(fill(slots, put(form), known, 0.95))
    asks = [put(f) for f in WHY]
    if by_noun:
        answers = [put(f) for f in (["Because of {n}."] * 2 + ["{E} because of {n}.", "The reason is {n}." if now else "The reason was {n}."])]
    else:
        answers = [put(f) for f in BECAUSE]
        if not points:
            made.questions.append((0.7, slots, [put(f) for f in (["What happened because {c}?", "{C}. What came of that?", "{C}. What was the result?"] if not now else ["{C}. What follows from that?"])], [effect + "."]))
    made.questions.append((3, slots, asks, answers))
    made.claims.append((fill(slots, f"{effect} because " + ("of " + noun if by_noun else cause) + ".", again=1.0), None))


def scene_text(random, scene):
    slots, made, known = Slots(random, scene.pools), Passage(), set()
    first = [f for f in scene.facts if f.sort == "$1"]
    free, last = [], None
    for fact in scene.facts:
        if fact.sort == "$+":
            last.append(fact)
        elif fact.sort != "$1":
            last = [fact]
            free.append(last)
        else:
            last = []
    k = min(len(free), random.choice([1, 2, 2, 3, 3, 4] if first else [2, 2, 3, 3, 4]))
    drawn = random.sample(range(len(free)), k)
    weights = [i for i in drawn if free[i][0].sort in "%="]
    if not weights and random.random() < 0.7:  # contrasts and reasons are asked most, so most texts have one
        able = [i for i in range(len(free)) if free[i][0].sort in "%="]
        if able:
            drawn[0] = random.choice(able)
    groups = [[f] for f in first] + [free[i][:1 + (len(free[i]) > 1 and random.random() < 0.75)] for i in drawn]
    groups = [[f for f in group] for group in groups]
    for group in groups:
        for fact in group:
            {"%": tell_contrast, "=": tell_cause}.get(fact.sort, tell_plain)(random, slots, fact, made, known)
    made.people |= {slots[who] for who in "pqrs" if who in slots and any(slots[who] in s for s in made.sentences)}
    made.open = [(slots, form) for form in scene.open]
    left = [free[i][0] for i in range(len(free)) if i not in drawn and free[i][0].sort == "$"]
    for fact in left:
        for asks, _ in fact.asked[:1]:
            made.open.append((slots, asks[0]))
    if known == {"p"}:
        made.open += [(slots, form) for form in random.sample(GENERIC_OPEN, 3)]
        made.about = slots["p"]
    else:
        made.about = None
    made.gist = (slots, scene.gist) if scene.gist else None
    return made


def causes_text(random, scene):
    """Up to three things that happened to different people or places, each with its reason."""
    made, used = Passage(), set()
    k = random.choice([1, 2, 2, 2, 3])
    gists = []
    for fact in random.sample(scene.facts, k):
        slots, known = Slots(random, scene.pools), set()
        slots.taken["name"] = used
        tell_cause(random, slots, fact, made, known)
        made.people |= {slots[who] for who in known} | {slots[who] for who in "rs" if who in slots}
        gists.append(fill(slots, fact.says[0]))
    made.open = [(slots, form) for form in ["What time was it?", "How much did it cost?", "What was the weather like the next day?", "Who wrote this down?", "What did the neighbours say?", "How long did it all take?"]]
    made.about = None
    if k < 3:
        made.gist = (slots, [", and ".join([gists[0]] + [low(g) for g in gists[1:]]).replace("{", "").replace("}", "") + "."])
    return made


SCENES = load()
CAUSES = [s for s in SCENES if s.name.startswith("causes")]
PLACES = [s for s in SCENES if not s.name.startswith("causes")]

JOINS = [", and ", "; ", " - ", ", and "]


def joined(random, sentences):
    """The sentences in a row; now and then two of them in one."""
    out = []
    for s in sentences:
        if out and random.random() < 0.1 and out[-1].endswith(".") and ". " not in out[-1] + s and len(out[-1] + s) < 110 and " because " not in out[-1] + s and ", " not in out[-1] and ":" not in out[-1] + s and low(s) != s:
            out[-1] = out[-1][:-1] + random.choice([", and ", "; ", ", and "]) + low(s)
        else:
            out.append(s)
    gap = "\n" if random.random() < 0.06 else " "
    return gap.join(out)


MORE_FRAMES = ["{p} {q}", "{p}\n{q}", "{p}\n\n{q}", "{p} {q}", "{q}\n\n{p}", "Please read the text and answer. {p} {q}", "Please read the text and answer.\n\n{p}\n\n{q}", "Read this: {p} {q}", "Read this: {p}\n{q}", "{q}\n{p}", "\"{p}\"\n{q}", "Text: \"{p}\" Question: {q}",
               "I found this note: {p} {q}", "Here is what I read today: {p} {q}", "My neighbour told me this: {p} {q}", "This was on a sheet of paper: {p} {q}", "From a school book: {p} {q}", "From a letter: \"{p}\" {q}", "A short text: {p}\n{q}", "My homework: {p} {q}", "Answer the question about the text.\nText: {p}\nQuestion: {q}", "Question about a text: {q} The text: {p}",
               "I have to answer this: {q} Here is the text: {p}", "Look: {p} {q}", "{p} My question is: {q}", "{p}\n\nQuestion: {q}", "{p}\n\nPlease answer: {q}", "{p} Please answer briefly: {q}", "{p} {q} Answer in a few words.", "Short answer, please. {p} {q}", "Quoting a page: \"{p}\" {q}", "Reading test: {p} {q}", "Listen: {p} {q}", "Story: {p}\nQuestion: {q}", "Information:\n{p}\n\nQuestion:\n{q}",
               "'{p}'\n\n{q}", "text = {p}\nquestion = {q}", "Someone sent me this. {p} {q}", "I copied this: {p}\n\n{q}", "{p}\n\nBased on the text above: {q}", "The text below answers this: {q}\n\n{p}", "Use the text to answer. {q}\n\n{p}", "Exercise 1. {p}\n{q}", "Sorry, long text: {p} {q}", "{p} What I want to know: {q}", "Given: {p} Asked: {q}", "PASSAGE: {p}\nQUESTION: {q}", "(1) {p} (2) {q}"]
ALL_FRAMES = FRAMES + MORE_FRAMES * 2
TRUE = ["True or false: {c}", "True or false? {c}", "{c} True or false?", "Is this true? {c}", "Is it true that {l}?", "Is it right that {l}?", "Does the text say that {l}?", "Is this statement right: {c}", "According to the text, is it true that {l}?", "Say true or false: {c}"]
CONCERNS = ["Who is this about?", "Who is the text about?", "About whom is this text?", "Whom is this about?", "Which person is it about?"]
COUNTED = ["How many people are named in the text?", "How many people does the text name?", "How many persons have a name here?", "How many names of people are in this text?", "how many people are mentioned by name"]


def question(random, made):
    """A question about the passage, and its answer."""
    draw = random.random()
    if draw < 0.06 and made.open:
        slots, form = random.choice(made.open)
        return fill(slots, form), random.choice(UNKNOWN)
    if draw < 0.09 and made.gist:
        slots, forms = made.gist
        return random.choice(SUMMARISE), fill(slots, random.choice(forms))
    if draw < 0.15 and made.claims:
        true, false = random.choice(made.claims)
        form = random.choice(TRUE)
        wrong = false and false != true and random.random() < 0.55
        claim = false if wrong else true
        yes, no = ("True", "False") if "true or false" in form.lower() else ("Yes", "No")
        answer = random.choice([f"{no}. {true}", f"{no}, {low(true)}"]) if wrong else random.choice([f"{yes}.", f"{yes}, {low(true)}", f"{yes}. {true}"])
        return form.format(c=claim, l=low(claim)[:-1]), answer
    if draw < 0.165 and made.about:
        return random.choice(CONCERNS), random.choice([f"{made.about}.", f"It is about {made.about}."])
    if draw < 0.18 and len(made.people) > 1 and made.counting:
        n = len(made.people)
        return random.choice(COUNTED), random.choice([f"{capital(words(n))}.", f"{capital(words(n))}: {listed(sorted(made.people, key=made.text.index))}.", f"{n}."])
    q, r = one(random, made)
    if draw > 0.97 and len(made.questions) > 1:  # two things at once
        q2, r2 = one(random, made)
        if q2 != q and r != r2 and q.endswith("?") and q2.endswith("?") and ". " not in q + q2 and not tells(r, q2) and not tells(r2, q):
            return q[:-1] + random.choice([", and ", " and "]) + low(q2), f"{r} {r2}"
    return q, r


def tells(answer, q):
    """Whether a question gives away the answer of another: all its telling words or a number stand in it."""
    found, words_ = re.findall(r"\w+", q.lower()), re.findall(r"\w+", answer.lower())
    return any(w in found for w in words_ if w.isdigit()) or sum(w in found for w in words_ if len(w) > 3) * 2 > len([w for w in words_ if len(w) > 3])


def one(random, made):
    _, slots, asks, answers = random.choices(made.questions, made.weights)[0]
    known = set()
    if made.about and random.random() < 0.12:
        known.add("p")
    ask = fill(slots, random.choice(asks), known, 1.0)
    return ask, fill(slots, random.choice(answers), {"p", "q"} if random.random() < 0.6 else None, 1.0)


def passage(random):
    draw = random.random()
    if draw < 0.17:
        made = causes_text(random, random.choice(CAUSES))
    elif draw < 0.34:
        made = random.choice(CODED)(random)
    else:
        made = scene_text(random, random.choice(PLACES))
    made.text = joined(random, made.sentences)
    made.weights = [w for w, *_ in made.questions]
    made.counting = bool(made.people) and all(name in made.text for name in made.people)
    return made


def framed(random, text, q):
    frame = random.choice(ALL_FRAMES)
    if '"' in text and '"' in frame or "'" in text and frame.startswith("'"):
        frame = "Text: {p}\nQuestion: {q}"
    draw = random.random()
    q = q.lower() if draw < 0.06 else q.lower().rstrip("?.") if draw < 0.14 else q.rstrip("?.") if draw < 0.19 and "? " not in q else q
    return frame.format(p=text, q=q, q2=low(q))


def everyday(random, other):
    """A passage and one to three questions about it."""
    made = passage(random)
    q, r = question(random, made)
    if random.random() < 0.2:
        turns = given_first(random, other, made.text, q, r, 0.15)
    else:
        turns = [(framed(random, made.text, q), r)]
    return asked_on(random, turns, q, lambda: question(random, made), 0.42, 3)


# Passages whose answers are worked out: cheapest, first, how many, in what order.

def literal(text):
    return text.replace("{", "").replace("}", "")


class Coded(Passage):
    def __init__(self, random):
        super().__init__()
        self.about, self.random = None, random
        self.slots = Slots(random, {})

    def ask(self, asks, answers, weight=1):
        self.questions.append((weight, self.slots, asks, answers))


GOODS = """a lamp|a kettle|a wool hat|a bicycle pump|a garden chair|a flower pot|a straw basket|an umbrella|a toy boat|a clay mug|a bread knife|a rain coat|a blanket|a football|a puzzle|a wall clock|a torch|a bag of nails|a picture frame|a pair of gloves|a hammer|a jar of honey|a bunch of tulips|a loaf of rye bread|a box of eggs|a bottle of oil|a paint brush|a mirror|a kite|a teapot|a rucksack|a sun hat|a scarf|a desk|a stool|a cushion|a candle|a map of the town|a bird house|a watering can|a bar of soap|a tin of paint|a melon|a lemon cake|a bowl of soup|a pot of tea""".split("|")
STALLS = ["the market", "the flea market", "Mr. Kaya's shop", "the corner shop", "the village shop", "the school sale", "the garden centre", "the shop by the station", "the harbour shop", "the museum shop", "Ms. Okafor's stall", "the church sale"]


def price_list(random):
    made = Coded(random)
    k = random.choice([3, 3, 4])
    goods, prices, money, where = random.sample(GOODS, k), random.sample(range(2, 70), k), random.choice(CURRENCIES), random.choice(STALLS)
    p = [money.format(n) for n in prices]
    style = random.randrange(4)
    if style == 0:
        made.sentences = [f"At {where} {goods[0]} costs {p[0]}, " + ", ".join(f"{g} {x}" for g, x in zip(goods[1:-1], p[1:])) + f" and {goods[-1]} {p[-1]}."]
    elif style == 1:
        made.sentences = [f"Prices at {where}: " + ", ".join(f"{g.split(' ', 1)[1]} {x}" for g, x in zip(goods, p)) + "."]
    elif style == 2:
        made.sentences = [f"At {where} you can get {listed(goods)}."] + [random.choice(["{} costs {}.", "For {} you pay {}.", "The price of {} is {}."]).format(g.replace("a ", "the ", 1).replace("an ", "the ", 1) if g.startswith(("a ", "an ")) else g, x) for g, x in zip(goods, p)]
    else:
        made.sentences = [capital(random.choice([f"{g} at {where} is {x}" if i == 0 else f"{g} is {x}", f"you pay {x} for {g}" + (f" at {where}" if i == 0 else "")])) + "." for i, (g, x) in enumerate(zip(goods, p))]
    made.sentences = [capital(s) for s in made.sentences]
    bare = [re.sub("^an? ", "the ", g) for g in goods]
    for g, b, x in zip(goods, bare, p):
        made.ask([f"How much is {b}?", f"What does {b} cost?", f"What is the price of {b}?", f"how much for {g}", f"What do I pay for {g}?", f"Price of {b}?", f"I want {g}. How much money do I need?"], [f"{x}.", f"{b} costs {x}.", f"It costs {x}."], 2)
        made.ask([f"What can I get for {x}?", f"Which thing costs {x}?", f"What costs {x}?"], [f"{g}.", f"{b} costs {x}."])
    lo, hi = prices.index(min(prices)), prices.index(max(prices))
    made.ask(["Which is the cheapest?", "What is the cheapest thing?", "What costs least?", "Which thing has the lowest price?", "cheapest one?"], [f"{bare[lo]}.", f"{bare[lo]}, at {p[lo]}.", f"{bare[lo]} is the cheapest."], 2)
    made.ask(["Which is the most expensive?", "What costs most?", "What is the dearest thing?", "Which thing has the highest price?", "most expensive one?"], [f"{bare[hi]}.", f"{bare[hi]}, at {p[hi]}.", f"{bare[hi]} costs most."], 2)
    i, j = random.sample(range(k), 2)
    more, less = (i, j) if prices[i] > prices[j] else (j, i)
    made.ask([f"Which is cheaper, {bare[i]} or {bare[j]}?", f"What costs less: {bare[i]} or {bare[j]}?"], [f"{bare[less]}.", f"{bare[less]} is cheaper."], 1.5)
    made.ask([f"Does {bare[i]} cost more than {bare[j]}?", f"Is {bare[i]} dearer than {bare[j]}?"], [f"{'Yes' if i == more else 'No'}: {bare[i]} costs {p[i]} and {bare[j]} {p[j]}."])
    made.ask(["How many things are named?", "How many different things does the text name?", "How many prices are there?"], [f"{capital(words(k))}.", f"There are {words(k)}."], 0.7)
    made.open = [(made.slots, f) for f in ["Who painted the shop?", "When does the shop close?", "What do you pay for a carpet?", "How old is the seller?", "Is there a sale in June?"]]
    i, j = random.sample(range(k), 2)
    made.claims = [(f"{capital(bare[i])} costs {p[i]}.", f"{capital(bare[i])} costs {p[j]}.")]
    made.gist = (made.slots, [f"It tells what {words(k)} things cost at {where}."])
    return made


GIFTS = """a book|a puppet|a red scarf|a music box|a toy train|a silver ring|a kite|a box of paints|a pair of skates|a chess set|a drum|a cactus|a woollen hat|a football|a torch|a bracelet|a telescope|a cookbook|a basket of plums|a map|a mug|a clock|a ball of wool|a penknife|a jar of jam|a plant|a model ship|a ticket to the circus|a recipe|a photo|a bell|a fishing rod""".split("|")


def giving(random):
    """Who gave what to whom, in a chain or in pairs."""
    made = Coded(random)
    k = random.choice([2, 3, 3])
    names, gifts = random.sample(NAMES, k * 2 if random.random() < 0.4 else k + 1), random.sample(GIFTS, k)
    chain = len(names) == k + 1
    pairs = [(names[i], names[i + 1]) if chain else (names[2 * i], names[2 * i + 1]) for i in range(k)]
    occasion = random.choice(["At the party", "On Christmas Eve", "At the end of term", "On the last evening of the holiday", "At the wedding", "On Sunday", "In the break", "At the station", "After the show", "On the first day of the year"])
    for i, ((x, y), g) in enumerate(zip(pairs, gifts)):
        said = random.choice([f"{x} gave {y} {g}", f"{x} gave {g} to {y}", f"{y} got {g} from {x}", f"{y} was given {g} by {x}", f"{x}'s present for {y} was {g}", f"{x} handed {g} to {y}"])
        made.sentences.append((f"{occasion} " if i == 0 else random.choice(["", "", "Then ", "Later "])) + said + ".")
        b = re.sub("^an? ", "the ", g)
        made.ask([f"Who gave {y} {g}?", f"Who gave {b} away?", f"Who did {y} get something from?", f"From whom did {y} get {b}?", f"Who handed {b} to {y}?", f"Whose present was {b}?"], [f"{x}.", f"{x} did.", f"{x} gave {y} {g}."], 2)
        made.ask([f"Who got {b}?", f"Who received {b}?", f"To whom did {x} give {b}?", f"Who was {b} for?"], [f"{y}.", f"{y} got {b}.", f"{x} gave {b} to {y}."], 2)
        made.ask([f"Whom did {x} give something to?", f"Who got something from {x}?"], [f"{y}.", f"{y} got {g} from {x}."], 0.7)
        made.ask([f"What did {x} give {y}?", f"What did {y} get?", f"What was {x}'s present?", f"What was {y} given?", f"what did {y} receive from {x}"], [f"{g}.", f"{y} got {g}.", f"{x} gave {y} {g}."], 2)
        made.claims.append((f"{x} gave {y} {g}.", f"{y} gave {x} {g}."))
    people = sorted(set(sum(pairs, ())))
    made.people = set(people)
    made.ask(["When was this?", "On what occasion was this?", "When did it happen?"], [f"{occasion}."], 0.5) if occasion not in ("On Sunday",) else None
    made.ask(["How many presents are named?", "How many things were given?"], [f"{capital(words(k))}.", f"{capital(words(k))}: {listed(gifts)}."], 0.7)
    if chain:
        made.ask(["Who got something but gave nothing?"], [f"{names[-1]}."], 0.7)
        made.ask(["Who gave something but got nothing?"], [f"{names[0]}."], 0.7)
    made.open = [(made.slots, f) for f in [f"How old is {pairs[0][0]}?", f"Where does {pairs[0][1]} live?", "What did the presents cost?", "What did they eat?"]]
    made.gist = (made.slots, [f"It tells who gave what to whom."])
    return made


DONE = """opened the shutters/open the shutters|lit the stove/light the stove|fed the hens/feed the hens|swept the yard/sweep the yard|wrote a letter/write a letter|rang a friend/ring a friend|baked a pie/bake a pie|mended a chair/mend a chair|washed the windows/wash the windows|picked some beans/pick some beans|took a nap/take a nap|drank a cup of tea/drink a cup of tea|went to the post office/go to the post office|read the paper/read the paper|watered the roses/water the roses|played the piano/play the piano|walked to the lake/walk to the lake|bought a loaf of bread/buy a loaf of bread|cleaned the boots/clean the boots|packed a suitcase/pack a suitcase|repaired the bike/repair the bike|made soup/make soup|visited an aunt/visit an aunt|paid the bills/pay the bills|peeled potatoes/peel potatoes|chopped wood/chop wood|ironed two shirts/iron two shirts|emptied the bins/empty the bins|sorted old photos/sort old photos|learnt ten words/learn ten words|wrapped a present/wrap a present|set the table/set the table|took out the dog/take out the dog|hung up the washing/hang up the washing|cut the hedge/cut the hedge|painted the gate/paint the gate|fetched the milk/fetch the milk|watched the news/watch the news|did some sums/do some sums|sang in the choir/sing in the choir""".split("|")
DONE = [d.split("/") for d in DONE]


def in_order(random):
    """What a person did first, then and last, told in order or against it."""
    made = Coded(random)
    name, girl = (random.choice(GIRLS), True) if random.random() < 0.5 else (random.choice(BOYS), False)
    she = "she" if girl else "he"
    k = random.choice([3, 3, 4])
    past, base = zip(*random.sample(DONE, k))
    day = random.choice(["On {d}", "In the morning", "In the afternoon", "Yesterday", "On the first day of the holidays", "After work", "Before breakfast", "One evening"]).format(d=random.choice(DAYS))
    style = random.randrange(4)
    if style == 0:
        made.sentences = [f"{day} {name} first {past[0]}."] + [random.choice(["Then {s} {x}.", "After that {s} {x}.", "Next {s} {x}."]).format(s=she, x=x) for x in past[1:-1]] + [random.choice(["Last of all {s} {x}.", "In the end {s} {x}.", "Finally {s} {x}."]).format(s=she, x=past[-1])]
    elif style == 1:
        made.sentences = [f"{day} {name} {past[0]}, then {past[1]}" + (f", then {past[2]}" if k == 4 else "") + f" and at last {past[-1]}."]
    elif style == 2:
        made.sentences = [f"{day} {name} {past[1]}, but before that {she} {past[0]}."] + [f"Later {she} {x}." for x in past[2:3]] + [f"The last thing {she} did was this: {she} {x}." for x in past[3:]]
    else:
        made.sentences = [f"{day}, after {name} {past[0]}, {she} {past[1]}.", f"Then {she} {past[2]}."] + [f"When that was done, {she} {x}." for x in past[3:]]
    made.people, made.about = {name}, name
    made.ask([f"What did {name} do first?", "What came first?", f"What was the first thing {name} did?", "what happened first"], [f"{she} {past[0]}.", f"First {she} {past[0]}.", f"{name} {past[0]}."], 2)
    made.ask([f"What did {name} do last?", "What came last?", f"What was the last thing {name} did?", "what happened last"], [f"{she} {past[-1]}.", f"Last of all {she} {past[-1]}.", f"{name} {past[-1]}."], 2)
    for i in range(k - 1):
        made.ask([f"What did {name} do after {she} {past[i]}?", f"{name} {past[i]}. What came next?", f"What came right after {name} {past[i]}?"], [f"{she} {past[i + 1]}.", f"Then {she} {past[i + 1]}."], 1.5)
        made.ask([f"What did {name} do before {she} {past[i + 1]}?", f"What came right before {name} {past[i + 1]}?"], [f"{she} {past[i]}.", f"{name} {past[i]}."], 1.5)
    i, j = sorted(random.sample(range(k), 2))
    x, y = random.choice([(i, j), (j, i)])
    made.ask([f"What came first: {name} {past[x]} or {she} {past[y]}?", f"Which was earlier: {name} {past[x]}, or {she} {past[y]}?"], [f"{name} {past[i]} first." , f"{she} {past[i]} first."])
    made.ask([f"Did {name} {base[x]} before {she} {past[y]}?"], ["Yes." if x < y else f"No, {she} {past[y]} first." , f"Yes, {she} {past[x]} first." if x < y else f"No, first {she} {past[y]}."])
    made.ask([f"How many things did {name} do?"], [f"{capital(words(k))}.", f"{name} did {words(k)} things."], 0.5)
    made.ask([f"When did {name} do all this?", "When was this?"], [f"{day}."], 0.5)
    made.claims = [(f"{capital(name)} {past[0]} before {she} {past[1]}.", f"{name} {past[1]} before {she} {past[0]}.")]
    made.open = [(made.slots, f) for f in [f"How old is {name}?", f"What time did {name} get up?", f"Who helped {name}?", f"What did {name} wear?"]]
    made.gist = (made.slots, [f"{name} did {words(k)} things, one after the other: {she} {listed(past)}."])
    return made


COMPARED = [("candle", "candles", "burns for {} hours", "burn", "longest", "shortest", "for {} hours", "How long does {} burn?"), ("rope", "ropes", "is {} metres long", "", "longest", "shortest", "{} metres", "How long is {}?"), ("tower", "towers", "is {} metres high", "", "highest", "lowest", "{} metres", "How high is {}?"),
            ("bag", "bags", "weighs {} kg", "", "heaviest", "lightest", "{} kg", "What does {} weigh?"), ("book", "books", "has {} pages", "", "longest", "shortest", "{} pages", "How many pages does {} have?"), ("path", "paths", "is {} km long", "", "longest", "shortest", "{} km", "How long is {}?"),
            ("train", "trains", "needs {} minutes", "", "slowest", "fastest", "{} minutes", "How long does {} need?"), ("house", "houses", "is {} years old", "", "oldest", "newest", "{} years", "How old is {}?"), ("tree", "trees", "is {} metres tall", "", "tallest", "shortest", "{} metres", "How tall is {}?"),
            ("boat", "boats", "can carry {} people", "", "", "", "{} people", "How many people can {} carry?"), ("hall", "halls", "has {} seats", "", "", "", "{} seats", "How many seats does {} have?"), ("film", "films", "lasts {} minutes", "", "longest", "shortest", "{} minutes", "How long does {} last?"), ("pool", "pools", "is {} metres deep", "", "deepest", "shallowest", "{} metres", "How deep is {}?"), ("bridge", "bridges", "is {} metres wide", "", "widest", "narrowest", "{} metres", "How wide is {}?"), ("garden", "gardens", "has {} trees", "", "", "", "{} trees", "How many trees does {} have?"), ("bus", "buses", "has {} passengers", "", "", "", "{} passengers", "How many passengers does {} have?")]


def three_things(random):
    made = Coded(random)
    thing, plural, says, _, most, least, unit, how = random.choice(COMPARED)
    numbers = random.sample(range(2, 13) if thing in ("candle", "pool") else range(14, 98), 3)
    names = [f"the {x} {thing}" for x in random.choice([random.sample(["red", "blue", "green", "white", "yellow", "black", "grey"], 3), ["first", "second", "third"], random.sample(["old", "new"], 2) + ["stone" if thing in ("tower", "bridge") else "red"] if thing != "house" else ["left", "middle", "right"]])]
    values = [unit.format(n) for n in numbers]
    order = list(range(3))
    style = random.randrange(3)
    if style == 0:
        said = [f"{names[i]} {says.format(numbers[i])}" for i in order]
        made.sentences = [capital(f"{said[0]}, {said[1]} and {said[2]}.")] if random.random() < 0.5 else [capital(s) + "." for s in said]
    elif style == 1:
        made.sentences = [f"There are three {plural}.", capital(f"{names[0]} {says.format(numbers[0])}, {names[1]} {says.format(numbers[1])}, but {names[2]} {says.format(numbers[2])}.")]
    else:
        made.sentences = [f"I compared three {plural}."] + [capital(f"{names[i]} {says.format(numbers[i])}.") for i in random.sample(order, 3)]
    for x, v in zip(names, values):
        made.ask([how.format(x), f"{capital(x)}: {how.format('it').lower()}", how.format(x).lower().rstrip("?")], [f"{capital(v)}.", capital(f"{x} {says.format(numbers[names.index(x)])}.")], 2)
        made.ask([f"Which {thing} {says.format(numbers[names.index(x)])}?"], [f"{x}.", f"It is {x}."], 1.5)
    lo, hi = numbers.index(min(numbers)), numbers.index(max(numbers))
    if most:
        made.ask([f"Which {thing} is the {most}?", f"Which is the {most}?", f"Which of the three is the {most}?", f"the {most} one?"], [f"{names[hi]}.", f"{names[hi]} is the {most}."], 2.5)
        made.ask([f"Which {thing} is the {least}?", f"Which is the {least}?", f"Which of the three is the {least}?", f"the {least} one?"], [f"{names[lo]}.", f"{names[lo]} is the {least}."], 2.5)
    else:
        noun = unit.split()[-1]
        verb = "can carry" if thing == "boat" else "has"
        made.ask([f"Which {thing} {verb} the most {noun}?"], [f"{names[hi]}.", f"{names[hi]}, with {max(numbers)}." if thing != "boat" else f"{names[hi]}."], 3)
        made.ask([f"Which {thing} {verb} the fewest {noun}?"], [f"{names[lo]}."], 3)
    made.ask([f"How many {plural} are there?", f"How many {plural} are compared?"], ["Three.", f"There are three {plural}."], 0.6)
    made.claims = [(capital(f"{names[0]} {says.format(numbers[0])}."), capital(f"{names[0]} {says.format(numbers[1])}."))]
    made.open = [(made.slots, f) for f in [f"Who owns {names[0]}?", f"What does {names[1]} cost?", f"Who made {names[2]}?"]]
    made.gist = (made.slots, [f"It compares three {plural}."])
    return made


VESSELS = [("ferry", "ferries", "pier"), ("bus", "buses", "stop"), ("train", "trains", "platform"), ("boat", "boats", "jetty"), ("tram", "trams", "stop"), ("coach", "coaches", "bay")]


def departures(random):
    made = Coded(random)
    kind, plural, at = random.choice(VESSELS)
    k = random.choice([2, 3, 3])
    towns = random.sample(VILLAGES if kind in ("ferry", "boat") else TOWNS, k)
    minutes = random.sample(range(6 * 12, 21 * 12), k)
    times = [f"{m // 12}:{m % 12 * 5:02}" for m in minutes]
    bays = random.sample(range(1, 15), k)
    said = [random.choice([f"the {kind} to {t} leaves at {h} from {at} {b}", f"at {h} the {kind} to {t} leaves from {at} {b}", f"from {at} {b} the {kind} to {t} goes at {h}"]) for t, h, b in zip(towns, times, bays)]
    made.sentences = [capital(s) + "." for s in said]
    if random.random() < 0.3:
        made.sentences = [f"{capital(plural)}: " + "; ".join(f"{t} {h}, {at} {b}" for t, h, b in zip(towns, times, bays)) + "."]
    for t, h, b in zip(towns, times, bays):
        made.ask([f"When does the {kind} to {t} leave?", f"At what time does the {kind} go to {t}?", f"What time is the {kind} to {t}?", f"{kind} to {t} when?", f"I want to go to {t}. When is the {kind}?"], [f"At {h}.", f"It leaves at {h}.", f"The {kind} to {t} leaves at {h}."], 2)
        made.ask([f"From which {at} does the {kind} to {t} leave?", f"Which {at} do I need for {t}?", f"Where does the {kind} to {t} leave?", f"which {at} for {t}?"], [f"From {at} {b}.", f"{at} {b}."], 2)
        made.ask([f"Where does the {h} {kind} go?", f"Where does the {kind} from {at} {b} go?"], [f"To {t}.", f"It goes to {t}."], 1.2)
        made.ask([f"Which town can I reach from {at} {b}?", f"Which place is reached from {at} {b}?"], [f"{t}."], 0.5)
        made.ask([f"Which {kind} leaves at {h}?", f"What leaves from {at} {b}?"], [f"The {kind} to {t}."], 1)
    lo, hi = minutes.index(min(minutes)), minutes.index(max(minutes))
    made.ask([f"Which {kind} leaves first?", f"Which is the first {kind}?", f"Where does the earliest {kind} go?"], [f"The one to {towns[lo]}.", f"The {kind} to {towns[lo]}, at {times[lo]}."], 2)
    made.ask([f"Which {kind} leaves last?", f"Which is the last {kind}?", f"Where does the latest {kind} go?"], [f"The one to {towns[hi]}.", f"The {kind} to {towns[hi]}, at {times[hi]}."], 2)
    made.ask([f"How many {plural} are named?", f"How many {plural} are there in the text?"], [f"{capital(words(k))}.", f"There are {words(k)}."], 0.6)
    made.claims = [(f"The {kind} to {towns[0]} leaves at {times[0]}.", f"The {kind} to {towns[0]} leaves at {times[1]}.")]
    made.open = [(made.slots, f) for f in [f"What does a ticket to {towns[0]} cost?", f"How long does the trip to {towns[1]} take?", f"When does the {kind} to {towns[0]} arrive?", "Who is the driver?"]]
    made.gist = (made.slots, [f"It says when and where the {plural} to {listed(towns)} leave."])
    return made


CODED = [price_list, giving, in_order, three_things, departures]
