"""Facts of the world: countries, cities, elements, animals, works and who made them, sights, rivers, records, and what else one asks."""
from .phrasing import a as with_article
from .phrasing import ask, capital, listed, pick, styled
from .rows import Pairs, answered, questions, rows

COUNTRIES = rows("countries")
ALSO = {"the USA": "the United States", "America": "the United States", "the US": "the United States", "the UK": "the United Kingdom", "Britain": "the United Kingdom", "Great Britain": "the United Kingdom", "Holland": "the Netherlands", "Czechia": "the Czech Republic"}  # how people call them, too
PARTS = [("England", "London", "pound sterling", "Europe", "English"), ("Scotland", "Edinburgh", "pound sterling", "Europe", "English, Gaelic and Scots"), ("Wales", "Cardiff", "pound sterling", "Europe", "English and Welsh"), ("Northern Ireland", "Belfast", "pound sterling", "Europe", "English")]
BOTH = {"Turkey": "Asia, with a small part in Europe", "Russia": "Europe and Asia", "Kazakhstan": "Asia, with a small part in Europe", "Egypt": "Africa, with a small part in Asia"}
SEATS = {"Bolivia": "Sucre, though the government sits in La Paz", "South Africa": "Pretoria, where the government sits; parliament is in Cape Town", "the Netherlands": "Amsterdam, though the government sits in The Hague",
         "Sri Lanka": "Sri Jayawardenepura Kotte; the largest city is Colombo"}
WELL_KNOWN = {c[0] for c in COUNTRIES if c[0].replace(" ", "_") in """France Germany Italy Spain Portugal the_United_Kingdom Ireland the_Netherlands Belgium Switzerland Austria Poland the_Czech_Republic Hungary Greece Sweden Norway Denmark Finland
Iceland Russia Ukraine Turkey Romania Croatia the_United_States Canada Mexico Brazil Argentina Chile Peru Cuba Colombia Egypt Morocco Kenya South_Africa Nigeria Ethiopia Ghana Israel Iran Iraq Saudi_Arabia India Pakistan China Japan
South_Korea Thailand Vietnam Indonesia the_Philippines Australia New_Zealand Nepal Jamaica Bulgaria Serbia Slovakia Slovenia Estonia Latvia Lithuania Tunisia Algeria Venezuela""".split()}


def named(field):
    """The field of every country by its name and its other names, and of the parts of the United Kingdom."""
    of = {c[0]: c for c in COUNTRIES}
    return [*((c[0], c[field]) for c in COUNTRIES), *((other, of[name][field]) for other, name in ALSO.items()), *((part[0], part[field]) for part in PARTS)]


def weighted(pairs):
    """What is asked most stands there four times."""
    return [p for p in pairs for _ in range(4 if p[0] in WELL_KNOWN else 2 if p[0] in ALSO or p[0] in {part[0] for part in PARTS} else 1)]


CAPITALS = Pairs(weighted((name, SEATS.get(ALSO.get(name, name), city)) for name, city in named(1)),
                 ["What is the capital of {a}?", "What's the capital of {a}?", "capital of {a}", "Which city is the capital of {a}?", "Name the capital of {a}.", "What is the capital city of {a}?", "Tell me the capital of {a}.", "{a} capital?", "Do you know the capital of {a}?", "Which is {a}'s capital?",
                  "What city is the capital of {a}?", "I need the capital of {a}.", "Can you tell me what the capital of {a} is?", "What is {a}'s capital city?", "What is the capital of {a} called?", "Which city is {a}'s capital?", "The capital of {a} is ...?", "How is the capital of {a} called?", "capital city of {a}", "Remind me, what is the capital of {a}?", "Which is the capital city of {a}?"],
                 ["The capital of {a} is {b}.", "{b}.", "It is {b}.", "{b} is the capital of {a}."],
                 ["{b} is the capital of which country?", "Which country has {b} as its capital?", "Of which country is {b} the capital?", "What country is {b} the capital of?", "{b} is the capital of what?"],
                 ["{b} is the capital of {a}.", "{a}.", "Of {a}."], ["Is {b} the capital of {a}?", "Is the capital of {a} {b}?", "Is it true that {b} is the capital of {a}?"],
                 ["I think {w} is the capital of {a}.", "The capital of {a} is {w}, right?", "My friend says the capital of {a} is {w}.", "{w} is the capital of {a}."],
                 ["Which is the capital of {a}: {c}?", "What is the capital of {a}, {c}?"], same=ALSO).widened("capital")
CAPITALS.of = True
CURRENCY = Pairs(weighted(named(2)), ["What is the currency of {a}?", "What currency is used in {a}?", "What money do they use in {a}?", "Which currency does {a} have?", "currency of {a}", "How do people pay in {a}?", "What is the money of {a} called?", "With which money do I pay in {a}?", "What do you pay with in {a}?", "Which money is used in {a}?", "What is {a}'s currency?", "I travel to {a}. Which currency do they have there?"],
                 ["The currency of {a} is the {b}.", "The {b}.", "In {a} people pay with the {b}.", "It is the {b}."], ["Where is the {b} used?", "Which country has the {b}?", "In which country do you pay with the {b}?"], ["The {b} is the currency of {a}.", "In {a}."],
                 ["Is the {b} the currency of {a}?", "Do people in {a} pay with the {b}?"], same=ALSO).widened("currency")
CURRENCY.of = True
CONTINENT = Pairs(weighted((name, BOTH.get(name, land)) for name, land in named(3)), ["On which continent is {a}?", "What continent is {a} in?", "Which continent does {a} belong to?", "{a} is on which continent?", "In which part of the world is {a}?", "Where in the world is {a}?", "Where is {a}?"],
                  ["{a} is in {b}.", "In {b}.", "{b}."], yes=["Is {a} in {b}?", "Does {a} belong to {b}?"]).widened("continent")
LANGUAGE = Pairs(weighted((name, tongue) for name, tongue in named(4) if name != "Vatican City"), ["What language do people speak in {a}?", "Which language is spoken in {a}?", "What is the language of {a}?", "What do they speak in {a}?", "language of {a}", "Which languages are spoken in {a}?", "What is the official language of {a}?", "Which language do the people of {a} speak?", "What is spoken in {a}?", "In {a}, which language do they speak?"],
                 ["In {a} people speak {b}.", "{b}.", "People in {a} speak {b}.", "They speak {b}."]).widened("language")
PEOPLE = Pairs(weighted((c[0], c[5]) for c in COUNTRIES if c[0] not in ("Vatican City", "Liechtenstein", "Luxembourg", "New Zealand", "Papua New Guinea", "San Marino")),
               ["What do you call something from {a}?", "What is the adjective for {a}?", "What nationality is someone from {a}?", "Someone from {a} is what nationality?"], ["Someone from {a} is {b}.", "{b}."], ["Which country does a {b} person come from?", "Where do {b} people come from?"], ["{b} people come from {a}.", "From {a}."]).widened("people")
CITIES = Pairs(rows("cities"), ["In which country is {a}?", "Where is {a}?", "What country is {a} in?", "Which country is {a} in?", "{a} is in which country?", "where is {a}", "In what country can I find {a}?"], ["{a} is in {b}.", "In {b}.", "{b}."], yes=["Is {a} in {b}?", "Is {a} a city in {b}?"], no=["I think {a} is in {w}.", "{a} is in {w}, right?"],
               choice=["In which country is {a}: {c}?"]).widened("cities")
STATES = Pairs(rows("states"), ["What is the capital of the US state {a}?", "What is the state capital of {a}?", "Which city is the capital of the state of {a}?", "capital of {a} state"], ["The capital of {a} is {b}.", "{b}."], ["Of which US state is {b} the capital?", "{b} is the capital of which American state?"], ["{b} is the capital of {a}.", "{a}."]).widened("states")
ELEMENTS = rows("elements")
KNOWN = {"hydrogen", "helium", "carbon", "nitrogen", "oxygen", "neon", "sodium", "iron", "copper", "zinc", "silver", "tin", "gold", "mercury", "lead", "uranium", "calcium", "chlorine", "aluminium", "potassium", "sulphur", "silicon", "magnesium", "iodine", "platinum"}
WEIGHTED_ELEMENTS = [e for e in ELEMENTS for _ in range(4 if e[0] in KNOWN else 1)]
SYMBOL = Pairs([(e[0], e[1]) for e in WEIGHTED_ELEMENTS], ["What is the chemical symbol for {a}?", "What is the symbol of {a}?", "chemical symbol of {a}", "Which symbol does {a} have?", "What letters stand for {a} in chemistry?", "What is {a}'s symbol in the periodic table?", "How is {a} written in chemistry?"],
               ["The symbol for {a} is {b}.", "{b}.", "It is {b}.", "{b} stands for {a}."], ["What element is {b}?", "Which element has the symbol {b}?", "What does {b} stand for in chemistry?", "What does the chemical symbol {b} mean?"], ["{b} stands for {a}.", "{b} is the symbol for {a}."],
               ["Is {b} the symbol for {a}?"], choice=["What is the symbol for {a}: {c}?"]).widened("symbol")
SYMBOL.of = True
NUMBER = Pairs([(e[0], e[2]) for e in WEIGHTED_ELEMENTS], ["What is the atomic number of {a}?", "atomic number of {a}", "How many protons does {a} have?", "Which atomic number does {a} have?"], ["The atomic number of {a} is {b}.", "{b}.", "It is {b}."], ["Which element has the atomic number {b}?", "What is element number {b}?"], ["The element with the number {b} is {a}.", "{a}."]).widened("number")
STATE = Pairs([(e[0], with_article(e[3])) for e in ELEMENTS if e[3] in ("gas", "metal")], ["Is {a} a gas or a metal?", "Is {a} a metal or a gas?", "What kind of element is {a}?"], ["{a} is {b}.", "It is {b}."])
ANIMALS = rows("animals")
COMMON = {"dog", "cat", "cow", "horse", "sheep", "goat", "pig", "hen", "duck", "lion", "frog", "bear", "kangaroo", "deer", "swan", "goose", "fox", "wolf", "rabbit", "bee", "spider", "elephant", "butterfly", "owl", "whale", "seal", "penguin", "snake", "donkey", "ant"}
ANIMALS = [x for x in ANIMALS for _ in range(3 if x[0] in COMMON else 1)]
field = lambda i: [(x[0], x[i]) for x in ANIMALS if x[i]]
YOUNG = Pairs(field(1), ["What is a baby {a} called?", "What do you call a young {a}?", "What is the young of a {a} called?", "baby {a} name", "What is the name for a {a}'s baby?", "How do you call a baby {a}?", "What's a baby {a}?"], ["A baby {a} is called {n}.", "{N}.", "It is called {n}.", "A young {a} is {n}."],
              ["Which animal's baby is called {n}?", "What animal is {n} the baby of?", "What does {n} grow up to be?"], ["{N} is a baby {a}.", "The {a}."]).widened("young")
SOUND = Pairs(field(2), ["What sound does a {a} make?", "What noise does a {a} make?", "Which sound do you hear from a {a}?", "How does a {a} sound?"], ["A {a} {b}.", "It {b}."], ["Which animal {b}?", "What animal {b}?"], ["The {a} {b}.", "The {a}."]).widened("sound")
HOME = Pairs([(x, y) for x, y in field(3)], ["Where does a {a} live?", "What is the home of a {a}?", "Where do you find a {a}?", "What is a {a}'s home called?"], ["A {a} lives in {n}.", "In {n}."]).widened("home")
GROUP = Pairs(field(4), ["What is a group of {p} called?", "What do you call a group of {p}?", "group of {p} name", "What do you call many {p} together?", "Which word means a group of {p}?"], ["A group of {p} is called {n}.", "{N}.", "It is called {n}."]).widened("group")
LEGS = Pairs(field(5), ["How many legs does a {a} have?", "How many legs are on a {a}?", "number of legs of a {a}", "How many legs has a {a}?"], ["A {a} has {l}.", "It has {l}.", "{L}."]).widened("legs")
CLASS = Pairs(field(6), ["What kind of animal is a {a}?", "What type of animal is a {a}?", "Is a {a} a mammal, a bird, a reptile or something else?", "To which group of animals does the {a} belong?", "what class of animal is a {a}"], ["A {a} is {n}.", "It is {n}.", "{N}."]).widened("class")
FEED = Pairs(field(7), ["What does a {a} eat?", "What do {p} eat?", "What is the food of a {a}?", "what does the {a} eat", "What do {p} like to eat?"], ["{P} eat {b}.", "A {a} eats {b}.", "{B}.", "It eats {b}."]).widened("feed")
PLURALS = {"wolf": "wolves", "sheep": "sheep", "fox": "foxes", "goose": "geese", "mouse": "mice", "deer": "deer", "fish": "fish", "butterfly": "butterflies", "fly": "flies", "ostrich": "ostriches", "monkey": "monkeys", "donkey": "donkeys", "walrus": "walruses", "octopus": "octopuses", "hippo": "hippos", "rhino": "rhinos",
           "salmon": "salmon", "trout": "trout", "goldfish": "goldfish", "finch": "finches", "turkey": "turkeys"}
LEG_WORDS = {"0": "no legs", "2": "two legs", "4": "four legs", "6": "six legs", "8": "eight legs", "10": "ten legs"}
SOME = {"savanna": "the savanna", "sea": "the sea", "Arctic": "the Arctic", "Antarctica": "Antarctica", "jungle": "the jungle", "trees": "trees", "grassland": "the grassland", "rainforest": "the rainforest", "desert": "the desert", "forest": "the forest", "bamboo forest": "bamboo forests", "eucalyptus tree": "eucalyptus trees",
        "pond": "a pond", "lake": "lakes", "river": "rivers", "meadow": "meadows", "river and sea": "rivers and the sea", "bowl or pond": "a bowl or a pond", "web": "a web"}


def animal(random):
    """Questions about animals need the right article and number, so they are filled here."""
    table = random.choice([YOUNG, YOUNG, YOUNG, SOUND, SOUND, HOME, GROUP, LEGS, LEGS, CLASS, FEED, FEED])
    x, b = random.choice(table.pairs)
    n = SOME.get(b, with_article(b)) if table is HOME else with_article(b)
    p = PLURALS.get(x, x + "s")
    values = dict(a=x, b=b, n=n, N=capital(n), p=p, P=capital(p), B=capital(b), l=LEG_WORDS.get(b, ""), L=capital(LEG_WORDS.get(b, "")))
    back = table.back and len(table.holders[b]) == 1 and random.random() < 0.3
    q, r = (table.back, table.back_answers) if back else (table.forward, table.answers)
    q, r = random.choice(q), random.choice(r[:1] * 2 + r)
    fill = lambda form: capital(form.replace("a {a}", "{A1}").replace("A {a}", "{A2}").format(**values, A1=with_article(x), A2=capital(with_article(x))))
    return [(styled(random, fill(q)), fill(r))]


def works():
    forms = {"book": (["Who wrote {a}?", "Who is the author of {a}?", "Which author wrote {a}?", "{a} was written by whom?", "By whom is {a}?", "author of {a}", "Do you know who wrote {a}?", "Whose work is {a}?", "Can you tell me who wrote {a}?", "What is the name of the author of {a}?"], ["{b} wrote {a}.", "{b}.", "{a} is by {b}.", "It was {b}."], ["What did {b} write?", "Name a work by {b}.", "Tell me a book or play by {b}."], ["{b} wrote {a}.", "{a}."], ["Did {b} write {a}?", "Is {a} by {b}?"]),
             "painting": (["Who painted {a}?", "Which artist painted {a}?", "Who is the painter of {a}?", "Whose painting is {a}?", "By which painter is {a}?", "{a} was painted by whom?", "who made {a}"], ["{b} painted {a}.", "{b}.", "It was {b}."], ["What did {b} paint?", "Name a work by the artist {b}."], ["{b} painted {a}.", "{a}."], ["Did {b} paint {a}?"]),
             "music": (["Who composed {a}?", "Who wrote the music of {a}?", "Which composer wrote {a}?", "{a} is by which composer?", "By which composer is {a}?"], ["{b} composed {a}.", "{b}.", "It was {b}."], ["Name a work by the composer {b}.", "What did {b} compose?"], ["{b} composed {a}.", "{a}."], ["Did {b} compose {a}?"]),
             "invention": (["Who invented {a}?", "Who is the inventor of {a}?", "Whose invention is {a}?", "Who came up with {a}?", "inventor of {a}", "Which person invented {a}?", "By whom was {a} invented?"], ["{b} invented {a}.", "{b}.", "It was {b}."], ["What did {b} invent?", "What is {b} known for?"], ["{b} invented {a}.", "{a}."], ["Did {b} invent {a}?"]),
             "discovery": (["Who discovered {a}?", "Who found {a}?", "Whose discovery was {a}?", "By whom was {a} discovered?"], ["{b} discovered {a}.", "{b}.", "It was {b}."], ["What did {b} discover?", "What did {b} find?"], ["{b} discovered {a}."], ["Did {b} discover {a}?"]),
             "theory": (["Who came up with {a}?", "Whose idea was {a}?", "Who found {a}?", "Who is known for {a}?"], ["{b} came up with {a}.", "{b}.", "It was {b}."], ["Which theory or law comes from {b}?"], ["{a}."], ["Did {b} come up with {a}?"])}
    table = rows("works")
    return {kind: Pairs([(r[1], r[2]) for r in table if r[0] == kind], *forms[kind]).widened(kind) for kind in forms}


def places():
    table = rows("places")
    of = lambda kind: [r[1:] for r in table if r[0] == kind]
    return [Pairs(of("sight"), ["Where is {a}?", "In which place is {a}?", "Where can I see {a}?", "Where do I find {a}?", "where in the world is {a}"], ["{a} {is_} in {b}.", "In {b}."]).widened("sight"),
            Pairs(of("river"), ["On which continent is {a}?", "Where does {a} flow?"], ["{a} flows in {b}.", "In {b}."]).widened("river"), Pairs([(r[0], r[2]) for r in of("river")], ["Into which sea does {a} flow?", "Where does {a} end?", "Where does {a} reach the sea?", "What does {a} flow into?"], ["{a} flows into {b}.", "Into {b}."]).widened("mouth"),
            Pairs(of("flows"), ["Which river flows through {a}?", "What river is {a} on?", "On which river is {a}?", "What is the river in {a} called?", "river in {a}"], ["{b} flows through {a}.", "{b}.", "{a} is on {b}."]).widened("flows"),
            Pairs(of("highest"), ["What is the highest mountain in {a}?", "Which is the highest mountain of {a}?", "highest mountain in {a}", "What is the tallest mountain in {a}?", "Name the highest peak in {a}."], ["The highest mountain in {a} is {b}.", "{b}.", "It is {b}."]).widened("highest")] + \
           [Pairs([(r[0], r[1] + (", " + r[2] if len(r) > 2 else "")) for r in of(kind)], [f"What is the {word} {{a}}?", f"Which is the {word} {{a}}?", f"Name the {word} {{a}}.", f"{word} {{a}}?", f"What's the {word} {{a}}?", f"Do you know the {word} {{a}}?"], [f"The {word} {{a}} is {{b}}.", "{b}.", "It is {b}."])
            for kind, word in [("biggest", "biggest"), ("biggest", "largest"), ("smallest", "smallest"), ("fastest", "fastest"), ("longest", "longest"), ("tallest", "tallest"), ("highest2", "highest"), ("deepest", "deepest"), ("hottest", "hottest"), ("coldest", "coldest"), ("hardest", "hardest"), ("slowest", "slowest")]]


WORKS, PLACES, FACTS = works(), places(), questions("facts")


def place(random):
    table = random.choices(PLACES, [len(t.pairs) for t in PLACES])[0]
    x, b = random.choice(table.pairs)
    many = x.startswith(("the pyramids", "the moons", "the Galápagos", "Niagara Falls", "Victoria Falls"))
    return [(ask(random, [f.replace("is {a}", "are {a}") for f in table.forward] if many else table.forward, a=x, b=b), pick(random, table.answers[:1] * 2 + table.answers, a=x, b=b, is_="are" if many else "is"))]


def country(random):
    """Several things about one country, one after the other."""
    c = random.choice([c for c in COUNTRIES if c[0] in WELL_KNOWN])
    name = c[0]
    turns = [(ask(random, CAPITALS.forward, a=name), f"The capital of {name} is {SEATS.get(name, c[1])}.")]
    more = [(["And which language do they speak there?", "And the language?", "What do people speak there?", "Which language is spoken there?"], f"In {name} people speak {c[4]}."), (["And the currency?", "What money do they use there?", "How do people pay there?"], f"The currency of {name} is the {c[2]}."),
            (["On which continent is it?", "And on which continent is that?", "Where is that country?"], capital(f"{name} is in {BOTH.get(name, c[3])}."))]
    for forms, answer in random.sample(more, random.choice([1, 2, 3])):
        turns.append((styled(random, random.choice(forms), after=False), answer))
    return turns


def name_some(random):
    """Name this many of a kind."""
    n = random.choice([2, 3, 3, 4, 5])
    number = ["", "", "two", "three", "four", "five"][n]
    kind, items = random.choice([(f"countries in {k}", [c[0] for c in COUNTRIES if c[3] == k and (c[0] in WELL_KNOWN or k in ("Africa", "South America")) and c[0] not in BOTH]) for k in ("Europe", "Asia", "Africa", "South America")] +
                                [("capitals in Europe", [c[1] for c in COUNTRIES if c[3] == "Europe" and c[0] in WELL_KNOWN]), ("metals", [e[0] for e in ELEMENTS if e[3] == "metal" and e[0] in KNOWN]), ("gases", ["oxygen", "nitrogen", "helium", "hydrogen", "neon", "argon"]), ("insects", ["the bee", "the ant", "the butterfly", "the fly", "the beetle", "the wasp"]),
                                 ("birds", ["the robin", "the crow", "the owl", "the eagle", "the duck", "the swan", "the parrot"]), ("mammals", ["the dog", "the cat", "the cow", "the whale", "the horse", "the bat"]), ("oceans", ["the Pacific", "the Atlantic", "the Indian Ocean", "the Arctic Ocean", "the Southern Ocean"]), ("planets", ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"]),
                                 ("US states", [s[0] for s in rows("states")][:30]), ("rivers", ["the Nile", "the Amazon", "the Danube", "the Rhine", "the Mississippi", "the Thames"]), ("plays by Shakespeare", ["Hamlet", "Macbeth", "Romeo and Juliet", "Othello", "King Lear"]), ("farm animals", ["the cow", "the pig", "the sheep", "the hen", "the goat", "the horse"]),
                                 ("animals that live in the sea", ["the whale", "the shark", "the dolphin", "the octopus", "the crab"]), ("reptiles", ["the snake", "the lizard", "the crocodile", "the turtle", "the tortoise"])])
    got = random.sample(items, min(n, len(items)))
    return [(ask(random, ["Name {n} {k}.", "List {n} {k}.", "Give me {n} {k}.", "Tell me {n} {k}.", "Can you name {n} {k}?", "What are {n} {k}?", "I need {n} {k}."], n=random.choice([number, str(n)]) if len(got) == n else "some", k=kind), capital(listed(got)) + ".")]


ORDERS = {("bigger", "smaller"): ["an ant", "a mouse", "a cat", "a sheep", "a horse", "an elephant", "a blue whale"], ("heavier", "lighter"): ["a feather", "a pencil", "a shoe", "a chair", "a piano", "a lorry", "a ship"], ("faster", "slower"): ["a snail", "a tortoise", "a walker", "a cyclist", "a car on a motorway", "a jet plane", "a rocket"],
          ("hotter", "colder"): ["ice", "cool water", "a warm bath", "boiling water", "a fire", "the Sun"], ("larger", "smaller"): ["a pea", "a cherry", "an apple", "a melon", "a house", "a mountain", "the Moon", "the Earth", "the Sun"], ("longer", "shorter"): ["a second", "a minute", "an hour", "a day", "a week", "a month", "a year", "a century"]}


def order(random):
    """Which of two is bigger, heavier, faster."""
    (more, less), things = random.choice(list(ORDERS.items()))
    i, j = sorted(random.sample(range(len(things)), 2))
    x, y = random.sample([things[i], things[j]], 2)
    up = random.random() < 0.6
    right = things[j] if up else things[i]
    wrong = things[i] if up else things[j]
    w = more if up else less
    if random.random() < 0.3:
        return [(ask(random, ["Is {x} {w} than {y}?", "is {x} {w} than {y} or not"], x=x, y=y, w=w), f"{'Yes' if x == right else 'No'}, {right} is {w} than {wrong}.")]
    return [(ask(random, ["Which is {w}, {x} or {y}?", "What is {w}: {x} or {y}?", "Is {x} or {y} {w}?", "which one is {w} {x} or {y}"], x=x, y=y, w=w), pick(random, ["{r} is {w} than {o}.", "{r}.", "{r} is {w}."], r=right, o=wrong, w=w))]


def world(random):
    if random.random() < 0.3:  # the table of facts is the longest of all
        return answered(random, random.choice(FACTS))
    draw = random.random()
    if draw < 0.2:
        return CAPITALS.turns(random)
    if draw < 0.36:
        return random.choice([CURRENCY, CONTINENT, LANGUAGE, CITIES, CITIES, PEOPLE, STATES]).turns(random)
    if draw < 0.43:
        return random.choice([SYMBOL, SYMBOL, SYMBOL, NUMBER, STATE]).turns(random)
    if draw < 0.55:
        return animal(random)
    if draw < 0.65:
        return random.choice([WORKS["book"]] * 3 + list(WORKS.values())).turns(random)
    if draw < 0.75:
        return place(random)
    if draw < 0.78:
        return country(random)
    if draw < 0.81:
        return name_some(random)
    if draw < 0.83:
        return order(random)
    return answered(random, random.choice(FACTS))
