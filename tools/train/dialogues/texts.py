"""Short texts that hold several things of one sort, so that a question cannot be answered without reading: tables of prices and
times written out, mails, notices, reports, recipes, news, stories.

A text is drawn as a record first. Sentences, questions, answers and what is true or false all come from the record; a maker
gives the text, its questions, what it leaves open, its gist, and claims that are true or false of it."""
from .lists import CITIES, COLOURS, DAYS, JOBS, MONTHS, NAMES, PET_NAMES, SURNAMES
from .numbers import words
from .passages import FRAMES, SUMMARISE, UNKNOWN, VILLAGES, Person, asked_on, given_first
from .phrasing import a, capital, listed, pick

TRUE_FORMS = ['True or false: {c}', 'Is this true? {c}', '{c} True or false?', 'Does the text say this? {c}', 'Is it right that {l}?', 'According to the text, is this true or false? {c}', 'Is this statement right: {c}', 'Check against the text: {c} True or false?', 'Is it true that {l}?']


def euros(n):
    return f"{n} euro" if n == 1 else f"{n} euros"


def clock(random, first=7, last=20):
    return random.randint(first, last) * 60 + random.choice([0, 0, 5, 10, 15, 20, 30, 30, 40, 45, 50])


def hour(minutes):
    return f"{minutes // 60}:{minutes % 60:02}"


def low(sentence):
    """A claim behind "that": names and days keep their capital."""
    first = sentence.split()[0].rstrip(",").removesuffix("'s")
    return sentence if first in KEPT_CAPITALS else sentence[0].lower() + sentence[1:]


KEPT_CAPITALS = {*NAMES, *DAYS, *MONTHS, *(c.split()[0] for c in CITIES), *VILLAGES, *SURNAMES, *PET_NAMES, "Mr.", "Ms.", "Mr", "Ms", "I", "Room"}


class Text:
    """A text with what may be asked of it."""

    def __init__(self, text, gist, open_):
        self.text, self.gist, self.open, self.asked, self.claims = text, gist, open_, [], []

    def ask(self, questions, answers):
        self.asked.append((questions, answers))

    def claim(self, true, false=None):
        """A sentence that holds, and one that does not, with the true one as its correction."""
        self.claims.append((true, false))


def compared(random):
    """Two to four things with a number each: prices, ages, heights, distances; cheaper, oldest, how much more, how much for both."""
    draw = random.choice(["price", "age", "height", "distance", "weight", "visitors", "points", "pages", "time"])
    k = random.choice([2, 3, 3, 4])
    if draw == "price":
        things, where = random.sample(GOODS, k), random.choice(["the shop", "the market", "the flea market", "the online shop", "the kiosk", "the garden centre", "the sale", "the station shop"])
        numbers = random.sample(range(2, 60), k)
        said = [random.choice([f"the {t} costs {euros(n)}", f"you pay {euros(n)} for the {t}", f"the price of the {t} is {euros(n)}"]) for t, n in zip(things, numbers)]
        text = f"{random.choice(['At', 'In', 'Prices from'])} {where}: ".replace("In the online", "At the online") + "; ".join(said) + "." if random.random() < 0.3 else f"I went to {where} and looked at {words(k)} things. " + ". ".join(map(capital, said)) + "."
        made = Text(text, f"The text gives the prices of {words(k)} things: {listed(['the ' + t for t in things])}.", ["What time does it close?", "Who sells these things?", "How heavy are they?", "What colour are they?", f"How old is the {things[0]}?"])
        for t, n in zip(things, numbers):
            made.ask([f"How much is the {t}?", f"What does the {t} cost?", f"What is the price of the {t}?", f"how much for the {t}", f"What would I pay for the {t}?", f"The {t}: how much?"], [f"The {t} costs {euros(n)}.", f"{capital(euros(n))}."])
            made.ask([f"What costs {euros(n)}?", f"What can I get for {euros(n)}?", f"Which thing has a price of {euros(n)}?"], [f"The {t}.", f"The {t} costs {euros(n)}."])
            made.claim(f"The {t} costs {euros(n)}.", f"The {t} costs {euros(random.choice([m for m in numbers if m != n]))}.")
        top, bottom, most, least, more, unit, fewer = "most expensive", "cheapest", "costs the most", "costs the least", "more expensive", euros, "cheaper"
        names = [f"the {t}" for t in things]
    else:
        people = draw in ("age", "height", "points", "pages", "time")
        names = random.sample(NAMES if people else VILLAGES if draw in ("distance",) else ["the " + t for t in ("red parcel", "blue parcel", "green box", "brown suitcase", "yellow crate", "grey sack", "white bag", "black case")] if draw == "weight" else ["the zoo", "the museum", "the castle", "the aquarium", "the theatre", "the circus"], k)
        spread = {"age": (8, 90), "height": (120, 200), "points": (3, 99), "pages": (12, 400), "time": (9, 59), "distance": (3, 120), "weight": (2, 60), "visitors": (30, 900)}[draw]
        numbers = random.sample(range(*spread), k)
        says, asks, unit, (top, bottom, most, least, more, fewer) = {
            "age": (["{x} is {n} years old", "{x} turned {n} this year", "{x} is {n}"], ["How old is {x}?", "What is {x}'s age?", "what age is {x}"], lambda n: f"{n} years", ("oldest", "youngest", "", "", "older", "younger")),
            "height": (["{x} is {n} cm tall", "{x} measures {n} cm"], ["How tall is {x}?", "What is {x}'s height?", "How many centimetres does {x} measure?"], lambda n: f"{n} cm", ("tallest", "shortest", "", "", "taller", "shorter")),
            "points": (["{x} has {n} points", "{x} scored {n} points", "{x} got {n} points"], ["How many points does {x} have?", "What did {x} score?", "What is {x}'s score?"], lambda n: f"{n} points", ("", "", "has the most points", "has the fewest points", "", "")),
            "pages": (["{x} read {n} pages", "{x} has read {n} pages"], ["How many pages did {x} read?", "How much did {x} read?"], lambda n: f"{n} pages", ("", "", "read the most", "read the least", "", "")),
            "time": (["{x} needs {n} minutes to get to work", "{x} is on the road for {n} minutes each morning"], ["How long does {x} need?", "How many minutes does {x} take?", "How long is {x}'s way to work?"], lambda n: f"{n} minutes", ("", "", "has the longest way", "has the shortest way", "", "")),
            "distance": (["{x} is {n} km away", "it is {n} km to {x}", "the way to {x} is {n} km long"], ["How far is {x}?", "How far is it to {x}?", "How many kilometres is it to {x}?"], lambda n: f"{n} km", ("", "", "is the farthest", "is the nearest", "", "")),
            "weight": (["{x} weighs {n} kg", "{x} has a weight of {n} kg"], ["How heavy is {x}?", "What does {x} weigh?", "What is the weight of {x}?"], lambda n: f"{n} kg", ("heaviest", "lightest", "", "", "heavier", "lighter")),
            "visitors": (["{x} had {n} visitors", "{n} people went to {x}", "{n} visitors came to {x}"], ["How many visitors did {x} have?", "How many people went to {x}?", "How many came to {x}?"], lambda n: f"{n} visitors", ("", "", "had the most visitors", "had the fewest visitors", "", ""))}[draw]
        said = [random.choice(says).format(x=x, n=n) for x, n in zip(names, numbers)]
        start = {"age": "", "height": "The nurse measured the children. ", "points": "The game is over. ", "pages": "The class counted what was read this week. ", "time": "We asked some workers. ", "distance": "From our hotel: ", "weight": "We weighed everything. ", "visitors": "Last Sunday was busy. "}[draw] if random.random() < 0.6 else ""
        text = start + (". ".join(map(capital, said)) + "." if random.random() < 0.6 or draw == "distance" else capital(listed(said)) + ".")
        if start.endswith(": "):
            text = start + "; ".join(said) + "."
        made = Text(text, {"age": "The text tells how old {l} are.", "height": "The text tells how tall {l} are.", "points": "The text gives the points of {l}.", "pages": "The text tells how much {l} read.", "time": "The text tells how long {l} need to get to work.", "distance": "The text tells how far {l} are.", "weight": "The text gives the weights of {l}.", "visitors": "The text tells how many people went to {l}."}[draw].format(l=listed(names)),
                    ["What does it cost?", "Who wrote this?", "What was the weather like?", f"What colour does {names[0]} like?" if people else f"Who owns {names[0]}?", "What happened the year before?"])
        for i, (x, n) in enumerate(zip(names, numbers)):
            made.ask([q.format(x=x) for q in asks], [capital(says[0].format(x=x, n=n)) + ".", f"{capital(unit(n))}."])
            wrong = random.choice([m for m in numbers if m != n])
            made.claim(capital(says[0].format(x=x, n=n)) + ".", capital(says[0].format(x=x, n=wrong)) + ".")
    rank = sorted(zip(numbers, names))
    (n0, x0), (n1, x1) = rank[0], rank[-1]
    who = "Who" if draw in ("age", "height", "points", "pages", "time") else "Which"
    if top:
        made.ask([f"{who} is the {top}?", f"{who} of them is {top if draw != 'price' else 'the ' + top}?" if draw == "price" else f"{who} of them is the {top}?"], [f"{capital(x1)}.", f"{capital(x1)} is the {top}, with {unit(n1)}."])
        made.ask([f"{who} is the {bottom}?", f"{who} of them is the {bottom}?"], [f"{capital(x0)}.", f"{capital(x0)} is the {bottom}, with {unit(n0)}."])
        i, j = random.sample(range(k), 2)
        big, small = (names[i], names[j]) if numbers[i] > numbers[j] else (names[j], names[i])
        made.ask([f"Is {names[i]} {more} than {names[j]}?"], [f"Yes, {unit(numbers[i])} against {unit(numbers[j])}." if numbers[i] > numbers[j] else f"No, {unit(numbers[i])} against {unit(numbers[j])}."])
        made.ask([f"Which is {more}, {names[i]} or {names[j]}?" if who == "Which" else f"Who is {more}, {names[i]} or {names[j]}?"], [f"{capital(big)}.", f"{capital(big)} is {more}."])
        made.ask([f"Which is {fewer}, {names[i]} or {names[j]}?" if who == "Which" else f"Who is {fewer}, {names[i]} or {names[j]}?"], [f"{capital(small)}.", f"{capital(small)} is {fewer}."])
        made.claim(f"{capital(big)} is {more} than {small}.", f"{capital(small)} is {more} than {big}.")
    if most:
        made.ask([f"{who} {most}?", f"{who} of them {most}?"], [f"{capital(x1)}.", f"{capital(x1)}, with {unit(n1)}."])
        made.ask([f"{who} {least}?", f"{who} of them {least}?"], [f"{capital(x0)}.", f"{capital(x0)}, with {unit(n0)}."])
    if draw in ("price", "points", "pages", "weight"):
        i, j = random.sample(range(k), 2)
        made.ask([{"price": f"What do {names[i]} and {names[j]} cost together?", "points": f"How many points do {names[i]} and {names[j]} have together?", "pages": f"How many pages did {names[i]} and {names[j]} read together?", "weight": f"What do {names[i]} and {names[j]} weigh together?"}[draw]], [f"{numbers[i]} + {numbers[j]} = {numbers[i] + numbers[j]}, so {unit(numbers[i] + numbers[j])}."])
    return made


GOODS = ["lamp", "chair", "kettle", "teapot", "blanket", "vase", "mirror", "radio", "basket", "football", "hammer", "puzzle", "umbrella", "candle", "picture", "rucksack", "clock", "pillow", "scarf", "plant", "toaster", "wooden horse", "cookbook", "torch", "tin box", "jigsaw", "kite", "fan", "rug", "stool"]


def timetable(random):
    """Trains, buses or lessons at different times to different places: which first, when, from where."""
    kind = random.choice(["train", "bus", "ferry", "coach"])
    k = random.choice([2, 3, 3, 4])
    places, times = random.sample(CITIES if kind != "bus" else VILLAGES, k), sorted(random.sample(range(6 * 60, 22 * 60, 5), k))
    random.shuffle(times)
    gates = random.sample(range(1, 15), k)
    gate = {"train": "platform", "bus": "stop", "ferry": "pier", "coach": "bay"}[kind]
    said = [random.choice([f"The {kind} to {p} leaves at {hour(t)} from {gate} {g}.", f"At {hour(t)} a {kind} leaves {gate} {g} for {p}.", f"{capital(gate)} {g}: {kind} to {p}, {hour(t)}."]) for p, t, g in zip(places, times, gates)]
    late = random.random() < 0.3
    i = random.randrange(k)
    minutes = random.choice([5, 10, 15, 20, 25, 40])
    text = " ".join(said) + (f" The {kind} to {places[i]} is {minutes} minutes late." if late else random.choice(["", " Please be there ten minutes early.", " Dogs travel free.", ""]))
    made = Text(text, f"The text tells when the {kind}s to {listed(places)} leave.".replace("ferrys", "ferries").replace("buss", "buses").replace("coachs", "coaches"), [f"What does a ticket to {places[0]} cost?", f"When does the {kind} to {places[0]} arrive?", f"How long is the trip to {places[-1]}?", "Is there food on board?", "Who is the driver?"])
    for n, (p, t, g) in enumerate(zip(places, times, gates)):
        if not (late and n == i):
            made.ask([f"When does the {kind} to {p} leave?", f"At what time does the {kind} to {p} go?", f"I want to go to {p}. When do I have to leave?", f"what time is the {kind} to {p}"], [f"It leaves at {hour(t)}.", f"At {hour(t)}.", f"The {kind} to {p} leaves at {hour(t)}."])
        made.ask([f"From which {gate} does the {kind} to {p} leave?", f"Where does the {kind} to {p} leave?", f"Which {gate} do I need for {p}?"], [f"From {gate} {g}.", f"The {kind} to {p} leaves from {gate} {g}."])
        if not late:
            made.ask([f"Where does the {kind} at {hour(t)} go?", f"Which place does the {hour(t)} {kind} go to?"], [f"To {p}.", f"It goes to {p}."])
        made.ask([f"Which {kind} leaves from {gate} {g}?", f"Where does the {kind} from {gate} {g} go?"], [f"The {kind} to {p}."])
        wrong = random.choice([m for m in gates if m != g])
        made.claim(f"The {kind} to {p} leaves from {gate} {g}.", f"The {kind} to {p} leaves from {gate} {wrong}.")
    if late:
        made.ask([f"Which {kind} is late?", "What is delayed?"], [f"The {kind} to {places[i]}."])
        made.ask([f"How late is the {kind} to {places[i]}?", f"How many minutes is the {kind} to {places[i]} late?"], [f"It is {minutes} minutes late.", f"{minutes} minutes."])
        made.ask([f"When will the {kind} to {places[i]} really leave?"], [f"It is {minutes} minutes late, so at {hour(times[i] + minutes)}."])
    else:
        first, last = min(zip(times, places)), max(zip(times, places))
        made.ask([f"Which {kind} leaves first?", f"Where does the first {kind} go?", "Which one is the earliest?"], [f"The {kind} to {first[1]}, at {hour(first[0])}.", f"The one to {first[1]}."])
        made.ask([f"Which {kind} leaves last?", f"Where does the last {kind} go?", "Which one is the latest?"], [f"The {kind} to {last[1]}, at {hour(last[0])}.", f"The one to {last[1]}."])
        x, y = random.sample(range(k), 2)
        sooner = x if times[x] < times[y] else y
        made.ask([f"Which leaves earlier, the {kind} to {places[x]} or to {places[y]}?"], [f"The {kind} to {places[sooner]}."])
    return made


CHANGES = [("the lift is broken", "take the stairs"), ("the water will be turned off", "fill a pot before that"), ("the car park is being repaired", "leave the cars in the street"), ("the heating will be checked", "be at home or leave a key"), ("the windows will be cleaned", "move the plants from the sills"), ("the stairs will be painted", "use the back door"), ("the library moves to a new house", "bring back all books"), ("the pool is being cleaned", "use the lake"), ("the power will be off", "switch off the computers"), ("the bridge is closed", "go round by the mill"), ("the canteen gets a new kitchen", "bring lunch along"), ("the photographer comes", "wear bright clothes")]


def letter(random):
    """A mail or note between people: who, to whom, when, where, what to bring, why changed."""
    p, q = Person(random), Person(random)
    while q.name == p.name:
        q = Person(random)
    third = random.choice([n for n in NAMES if n not in (p.name, q.name)])
    ill = random.choice([n for n in NAMES if n not in (p.name, q.name, third)])
    d1, d2 = random.sample(DAYS, 2)
    t1, t2 = hour(clock(random)), hour(clock(random))
    event = random.choice(["meeting", "picnic", "dinner", "birthday party", "rehearsal", "tennis match", "lesson", "visit to the museum", "hike", "reading group", "boat trip", "photo course", "board meeting", "garden party"])
    place = random.choice(["the town hall", "the Blue Cafe", "the school gym", "our garden", "the old mill", "room 14", "the station", "the library", "the lake", "the harbour office", "the church hall", "the park gate"])
    why = random.choice(["the room is not free", f"{ill} is ill", "the train drivers are on strike", "it will rain", "I have to work", "the car is being repaired", "my sister gets married that day", "the hall is being painted", "the teacher has no time", "it is a holiday"])
    bring = random.choice(["a cake", "warm clothes", "the tickets", "your camera", "a salad", "the drinks", "some chairs", "your notes", "a torch", "music"])
    hello = random.choice([f"Dear {q.name},", f"Hi {q.name},", f"Hello {q.name}!"])
    end = random.choice(["Best wishes,", "See you soon,", "Yours,", "Love,", "Regards,"])
    cut = random.choice(["\n", "\n", " "])
    body = random.choice([f"the {event} is not on {d1}, because {why}. We meet on {d2} at {t1} at {place} instead. Please bring {bring}. {third} will bring you home.",
                          f"we have to move the {event} from {d1} to {d2}, since {why}. It starts at {t1} at {place}. Could you bring {bring}? {third} will bring you home."])
    if "room 14" in body or "our garden" in body or "the school gym" in body or "the church hall" in body:
        body = body.replace(f"at {place}", f"in {place}")
    at = ("in " if place in ("room 14", "our garden", "the school gym", "the church hall") else "at ") + place.replace("our garden", f"{p.name}'s garden")
    text = f"{hello}{cut}{capital(body)}{cut}{end}{cut}{p.name}"
    made = Text(text, f"{p.name} tells {q.name} that the {event} is moved from {d1} to {d2}, because {why}.".replace("I have", f"{p.she} has").replace("my sister", f"{p.her} sister"), [f"What is {p.name}'s phone number?", "How many people will come?", "What does it cost?", f"How old is {q.name}?", "When does it end?", f"What is {third}'s job?"])
    because = why.replace("I have", f"{p.name} has").replace("my sister", f"{p.name}'s sister")
    made.ask(["Who wrote this?", "Who is the message from?", "Who sent this?", "Who is the writer?"], [f"{p.name} wrote it.", f"{p.name}."])
    made.ask(["Who is it for?", "To whom is it written?", "Who got this message?", "Who should read it?"], [f"It is for {q.name}.", f"{q.name}."])
    made.ask([f"When is the {event}?", f"On which day is the {event} now?", f"What is the new day of the {event}?", f"what day is the {event}"], [f"It is on {d2} at {t1}.", f"On {d2}."])
    made.ask([f"On which day was the {event} planned at first?", f"What was the old day of the {event}?", f"When was the {event} meant to be?"], [f"On {d1}.", f"It was planned for {d1}."])
    made.ask([f"Why was the {event} moved?", f"Why is the {event} not on {d1}?", "What is the reason for the change?"], [f"Because {because}.", f"{capital(because)}."])
    made.ask(["At what time does it start?", f"What time is the {event}?"], [f"It starts at {t1}.", f"At {t1}."])
    made.ask([f"Where is the {event}?", "Where do they meet?", "What is the place?"], [f"It is {at}.", f"{capital(at)}."])
    made.ask([f"What should {q.name} bring?", f"What does {p.name} ask for?", f"What is {q.name} asked to bring?"], [f"{q.name} should bring {bring}.".replace("your", q.her), f"{capital(bring)}.".replace("Your", capital(q.her))])
    made.ask([f"Who will bring {q.name} home?", f"How does {q.name} get home?", f"What will {third} do?"], [f"{third} will bring {q.obj} home."])
    made.claim(f"The {event} is now on {d2}.", f"The {event} is now on {d1}.")
    made.claim(f"{p.name} wrote to {q.name}.", f"{q.name} wrote to {p.name}.")
    made.claim(f"It starts at {t1}.", f"It starts at {t2}." if t1 != t2 else None)
    return made


def house_notice(random):
    """A notice with two things that happen, in different places and at different times."""
    (w1, do1), (w2, do2) = random.sample(CHANGES, 2)
    d1, d2 = random.sample(DAYS, 2)
    a1, a2 = random.randint(7, 11), random.randint(12, 17)
    b1, b2 = a1 + random.randint(1, 3), a2 + random.randint(1, 3)
    who = Person(random)
    number = random.randint(100, 999)
    text = f"{random.choice(['Notice: ', 'To all: ', 'Dear neighbours, ', 'Please note: '])}on {d1} from {a1}:00 to {b1}:00 {w1}. Please {do1}. On {d2} from {a2}:00 to {b2}:00 {w2}; please {do2}. For questions call {who.title} {who.surname} on {number}."
    made = Text(text, f"On {d1} {w1}, and on {d2} {w2}.", ["What does it cost?", "Who pays for it?", "Why was this day chosen?", "How many people live there?", "When will it be done again?"])
    for w, do, d, x, y, dd in ((w1, do1, d1, a1, b1, d2), (w2, do2, d2, a2, b2, d1)):
        made.ask([f"What happens on {d}?", f"What is announced for {d}?", f"What is on {d}?"], [f"On {d} {w}.", f"{capital(w)}."])
        made.ask([f"When is it that {w}?", f"On which day is it that {w}?"], [f"On {d} from {x}:00 to {y}:00.", f"On {d}."])
        made.ask([f"What should people do on {d}?", f"What is asked of us on {d}?", f"What must I do on {d}?"], [f"Please {do}.", f"You should {do}."])
        made.ask([f"How long does it take on {d}?", f"How many hours is it on {d}?"], [f"From {x}:00 to {y}:00, that is {words(y - x)} hour{'s' if y - x > 1 else ''}."])
        made.claim(f"On {d} {w}.", f"On {dd} {w}.")
    made.ask(["Whom can I ask?", "Who answers questions?", "Whom do I call?"], [f"{who.title} {who.surname}.", f"You can call {who.title} {who.surname} on {number}."])
    made.ask(["Which number do I call?", "What is the phone number?"], [f"{number}.", f"The number is {number}."])
    return made


DISHES = [("pancakes", ["flour", "milk", "eggs"], ["Mix everything", "let it rest", "fry it in a pan"]), ("tomato soup", ["tomatoes", "onions", "cream"], ["Chop the onions", "boil all for a while", "stir in the cream"]), ("apple cake", ["apples", "butter", "sugar"], ["Peel the apples", "beat butter and sugar", "bake it"]), ("potato salad", ["potatoes", "gherkins", "mayonnaise"], ["Boil the potatoes", "let them cool", "mix it all"]), ("fried rice", ["rice", "peas", "eggs"], ["Boil the rice", "fry the peas", "add the eggs"]), ("pizza", ["flour", "tomatoes", "cheese"], ["Knead the dough", "spread the tomatoes on it", "bake it"]), ("lentil stew", ["lentils", "carrots", "celery"], ["Cut the carrots", "boil the lentils", "stir well"]), ("biscuits", ["butter", "sugar", "oats"], ["Mix it", "form small balls", "bake them"]), ("omelette", ["eggs", "cheese", "chives"], ["Beat the eggs", "pour them into the pan", "add the cheese"]), ("lemonade", ["lemons", "sugar", "water"], ["Squeeze the lemons", "stir in the sugar", "add the water"])]


def recipe(random):
    """Amounts, steps in order, minutes and people."""
    dish, parts, steps = random.choice(DISHES)
    amounts = [f"{random.randint(1, 9) * 50} g of" if part not in ("milk", "cream", "water", "eggs", "lemons", "apples", "onions", "tomatoes", "potatoes", "gherkins", "carrots") else f"{random.randint(1, 9) * 100} ml of" if part in ("milk", "cream", "water") else words(random.randint(2, 9)) for part in parts]
    minutes, people = random.choice([5, 8, 10, 12, 15, 20, 25, 30, 35, 40, 45, 50, 60]), random.randint(2, 8)
    have = [f"{x} {part}" for x, part in zip(amounts, parts)]
    who = random.choice([random.choice(NAMES) + "'s " + dish, dish, "grandmother's " + dish])
    text = random.choice([f"{capital(who)} for {words(people)}: take {listed(have)}.", f"For {who} you need {listed(have)}. It is enough for {words(people)} people.", f"Recipe for {who} (serves {words(people)}): {listed(have)}."]) + f" {steps[0]}, {steps[1]}, then {steps[2]}. It takes {minutes} minutes in all."
    made = Text(text, f"It is a recipe for {dish}, which takes {minutes} minutes.", ["Who invented this dish?", "How many calories does it have?", "What wine goes with it?", "How much salt do I need?", "What does it cost?"])
    for x, part in zip(amounts, parts):
        made.ask([f"How much {part} do I need?" if not part.endswith("s") or part in ("oats", "lentils", "peas", "chives") else f"How many {part} do I need?", f"What amount of {part} is in the recipe?"] if not part.endswith("s") else [f"How many {part} do I need?" if not x.endswith("of") else f"How much of the {part} do I need?"], [f"You need {x} {part}.", f"{capital(x.removesuffix(' of'))}."])
    i = random.randrange(3)
    made.ask(["What do I need?", "What are the ingredients?", "What must I buy for it?", "List the ingredients."], [f"{capital(listed(have))}.", f"You need {listed(have)}."])
    made.ask(["What do I do first?", "What is the first step?", "How does it begin?"], [f"{steps[0]}.", f"First {steps[0][0].lower() + steps[0][1:]}."])
    made.ask(["What is the last step?", "What do I do at the end?"], [f"{capital(steps[2])}.", f"At the end {steps[2]}."])
    made.ask([f"What do I do after I {steps[0][0].lower() + steps[0][1:]}?"], [f"{capital(steps[1])}."])
    made.ask(["How long does it take?", "How many minutes does it take?"], [f"It takes {minutes} minutes.", f"{minutes} minutes."])
    made.ask(["How many people is it for?", "For how many people is it enough?", "How many does it serve?"], [f"It is for {words(people)} people.", f"{capital(words(people))}."])
    made.ask(["What dish is it?", "What do I make here?", "What is the recipe for?"], [f"{capital(dish)}."])
    made.claim(f"It takes {minutes} minutes.", f"It takes {minutes + random.choice([-3, 3, 7, 10, 20])} minutes.")
    made.claim(f"It is for {words(people)} people.", f"It is for {words(people + random.choice([1, 2, 3]))} people.")
    made.claim(f"You need {parts[i]}.", f"You need {random.choice(['chocolate', 'garlic', 'honey', 'rice pudding', 'mustard', 'almonds'])}.")
    return made


def news(random):
    """A small news item: what, where, when, who, how many, why, what next, what somebody said."""
    town, day = random.choice(VILLAGES + CITIES), random.choice(DAYS)
    p, q = Person(random), Person(random)
    n = random.randint(3, 90)
    job1, job2 = random.sample(JOBS, 2)
    what, cause, effect, number, plan = random.choice([
        ("a fire broke out in a bakery", "an oven had been left on", "nobody was hurt", f"{n} people had to leave their homes", "the bakery will open again in spring"), ("a lorry lost its load of apples", "a rope had torn", "the main road was closed for three hours", f"{n} neighbours helped to pick them up", "the driver will pay for the cleaning"), ("a cow ran through the high street", "a gate had been left open", "a shop window broke", f"{n} people watched", "the farmer will mend the gate"),
        ("the new bridge was opened", "the old one had become too weak", "cars can cross the river again", f"{n} workers had built it", "the old bridge will be pulled down"), ("the lights went out", "a tree had fallen on a power line", "the trains stood still", f"{n} houses were dark", "new cables will be laid under the ground"), ("the school had to close", "a water pipe had burst", "the pupils went home", f"{n} rooms were wet", "lessons start again next week"), ("a painting was stolen from the museum", "a window had not been locked", "the museum stayed closed", f"{n} police officers searched the town", "a camera will be put up"),
        ("a balloon landed in a garden", "the wind had turned", "some roses were crushed", f"{n} people came to look", "the pilot will plant new roses"), ("the market was cancelled", "a storm had blown down the tents", "the fish was given away", f"{n} traders went home", "the market will be held next month"), ("a lost dog was found in a cinema", "somebody had left a door open", "the film started late", f"{n} guests laughed", "the dog will be sent home by train")])
    full1, full2 = f"{p.name} {p.surname}", f"{q.name} {q.surname}"
    if p.name == q.name:
        return news(random)
    text = random.choice([f"In {town} {what} on {day}, because {cause}. {capital(number)}, and {effect}.", f"{capital(what)} in {town} on {day}. The reason: {cause}. {capital(number)}; {effect}."]) + f" The {job1} {full1} was there. \"{random.choice(['I could not believe my eyes', 'It was like in a film', 'I thought I was dreaming', 'It was very loud', 'I called for help at once'])},\" {p.she} said. The {job2} {full2} says that {plan}."
    quote = text.split('"')[1].rstrip(",")
    made = Text(text, f"In {town} {what}, because {cause}.", ["How much was the damage?", f"How old is {full1}?", "What was the weather like?", "At what time did it happen?", f"Where does {full2} live?"])
    made.ask(["What happened?", f"What happened in {town}?", f"What happened on {day}?"], [f"{capital(what)}.", f"In {town} {what}."])
    made.ask(["Where did it happen?", "In which town did it happen?", "Where was it?"], [f"In {town}.", f"It happened in {town}."])
    made.ask(["When did it happen?", "On which day did it happen?", "What day was it?"], [f"On {day}.", f"It happened on {day}."])
    made.ask(["Why did it happen?", "What was the cause?", "What was the reason?", "How did it come about?"], [f"Because {cause}.", f"{capital(cause)}."])
    made.ask(["Who was there?", "Which witness is named?", "Who saw it?"], [f"{full1} was there.", f"The {job1} {full1}."])
    made.ask([f"What did {full1} say?", f"What did the {job1} say?"], [f"\"{quote}.\"", f"{capital(p.she)} said: \"{quote}.\""])
    made.ask([f"What is {full1}'s job?", f"What does {full1} do for a living?"], [f"{full1} is {a(job1)}.", f"{capital(a(job1))}."])
    made.ask([f"What is {full2}'s job?", f"Who is {full2}?"], [f"{full2} is {a(job2)}.", f"{capital(a(job2))}."])
    made.ask(["What will happen next?", f"What does {full2} say?", "What is planned?"], [f"{capital(plan)}.", f"{full2} says that {plan}."])
    made.ask(["What was the result?", "What came of it?"], [f"{capital(effect)}.", f"{capital(number)}, and {effect}."])
    made.ask([f"How many {number.split()[1]} {'are mentioned' if number.split()[1] not in ('people', 'neighbours', 'guests', 'workers', 'traders') else 'does the text speak of'}?"], [f"{n}.", f"{capital(number)}."])
    made.claim(f"{full1} is {a(job1)}.", f"{full1} is {a(job2)}.")
    made.claim(f"It happened on {day}.", f"It happened on {random.choice([d for d in DAYS if d != day])}.")
    made.claim(f"It happened because {cause}.", "It happened because it was very hot.")
    return made


def product(random):
    """Two products side by side: colour, weight, price, battery, guarantee; which is lighter, which cheaper."""
    kind = random.choice(["lamp", "vacuum cleaner", "electric bike", "phone", "kettle", "tent", "camera", "radio", "drill", "suitcase", "coffee machine", "watch"])
    x, y = random.sample(["Alto", "Brio", "Corva", "Delfi", "Elan", "Fino", "Gala", "Hexa", "Ilmo", "Juno", "Kora", "Lumo", "Mira", "Nova", "Orbi", "Piko", "Riva", "Sola", "Tiro", "Vega", "Zeta"], 2)
    cx, cy = random.sample([c for c in COLOURS if c != "orange"], 2)
    (px, py), (wx, wy), (gx, gy) = [random.sample(pool, 2) for pool in (range(20, 400, 5), range(2, 30), range(1, 8))]
    light = kind not in ("vacuum cleaner", "electric bike", "tent", "suitcase")
    wx, wy, kg = (wx * 50, wy * 50, "g") if light else (wx, wy, "kg")
    made_in = random.sample(CITIES, 2)
    year = lambda g: f"{g} year{'s' if g > 1 else ''}"
    parts = [[f"the {n} costs {euros(p)}", f"weighs {w} {kg}", f"comes in {c}", f"has a guarantee of {year(g)}"] for n, p, w, c, g in ((x, px, wx, cx, gx), (y, py, wy, cy, gy))]
    text = f"We tested two {kind}s. ".replace("watchs", "watches") + capital(listed(parts[0])) + f". It is made in {made_in[0]}. " + capital(listed(parts[1])) + f". It is made in {made_in[1]}."
    made = Text(text, f"The text compares two {kind}s, the {x} and the {y}.".replace("watchs", "watches"), ["Who tested them?", f"How loud is the {x}?", f"When was the {y} first sold?", f"Does the {x} come in gold?", "Which shop sells them?"])
    for n, m, p, w, c, g, city, other in ((x, y, px, wx, cx, gx, made_in[0], (py, wy, cy, gy, made_in[1])), (y, x, py, wy, cy, gy, made_in[1], (px, wx, cx, gx, made_in[0]))):
        made.ask([f"What does the {n} cost?", f"How much is the {n}?", f"price of the {n}?"], [f"The {n} costs {euros(p)}.", f"{capital(euros(p))}."])
        made.ask([f"How heavy is the {n}?", f"What does the {n} weigh?"], [f"The {n} weighs {w} {kg}.", f"{w} {kg}."])
        made.ask([f"What colour is the {n}?", f"In which colour does the {n} come?"], [f"The {n} comes in {c}.", f"{capital(c)}."])
        made.ask([f"How long is the guarantee of the {n}?", f"What guarantee does the {n} have?"], [f"The {n} has a guarantee of {year(g)}.", f"{capital(year(g))}."])
        made.ask([f"Where is the {n} made?", f"Where does the {n} come from?"], [f"The {n} is made in {city}.", f"In {city}."])
        made.ask([f"Which of them is {c}?", f"Which {kind} comes in {c}?"], [f"The {n}."])
        made.ask([f"Which one is made in {city}?"], [f"The {n}."])
        made.claim(f"The {n} weighs {w} {kg}.", f"The {n} weighs {other[1]} {kg}.")
        made.claim(f"The {n} is made in {city}.", f"The {n} is made in {other[4]}.")
    made.ask(["Which is cheaper?", f"Which {kind} is cheaper?", f"Is the {x} or the {y} cheaper?", "Which one costs less?"], [f"The {x if px < py else y} is cheaper.", f"The {x if px < py else y}."])
    made.ask(["Which is lighter?", f"Which {kind} is lighter?", "Which one weighs less?"], [f"The {x if wx < wy else y} is lighter.", f"The {x if wx < wy else y}."])
    made.ask(["Which has the longer guarantee?", "Which guarantee is longer?"], [f"The {x if gx > gy else y}.", f"The {x if gx > gy else y} has the longer guarantee."])
    made.ask([f"How much more does the {x if px > py else y} cost?"], [f"{max(px, py)} - {min(px, py)} = {abs(px - py)}, so {euros(abs(px - py))} more."])
    return made


def tale(random):
    """A small story of three people who each do something for a reason; who, why, what first, what at the end."""
    people = [Person(random) for _ in range(3)]
    if len({p.name for p in people}) < 3:
        return tale(random)
    p, q, s = people
    thing, broken = random.choice([("kite", "The string tore"), ("kite", "The wind broke it"), ("bicycle", "A wheel came off"), ("bicycle", "The chain tore"), ("music box", "It stopped playing"), ("music box", "It fell down the stairs"), ("toy boat", "It hit a stone"), ("toy boat", "The mast broke"), ("drum", "A dog bit it"), ("drum", "The skin tore"), ("telescope", "A glass broke"), ("clock", "It stopped"), ("clock", "The hands fell off"), ("lantern", "It fell on the stones"), ("violin", "Two strings tore"), ("violin", "It was left in the rain"), ("sledge", "It hit a tree"), ("sledge", "A board broke"), ("doll's house", "The roof fell in"), ("puppet", "It lost an arm")])
    where, place2 = random.sample(["in the attic", "at the market", "behind the barn", "in an old chest", "under the stairs", "on the beach", "in the shed", "at the fair"], 2)
    job = random.choice(["carpenter", "clockmaker", "sailor", "baker", "blacksmith", "teacher", "gardener", "tailor"])
    pay = random.choice(["a basket of plums", "three eggs", "a song", "a jar of honey", "a day of work", "a loaf of bread", "a drawing", "a pot of soup"])
    when = random.choice(["One morning", "Last summer", "On a windy day", "After school", "On the first day of spring", "One evening"])
    end = random.choice([f"Since then {p.name} and {s.name} have been friends", f"In the end {p.name} gave the {thing} to {q.name}", f"Now {q.name} plays with it every day", f"That night {p.name} could not sleep for joy", f"From then on {p.name} took good care of it"])
    text = f"{when} {p.name} found an old {thing} {where}. {p.She} showed it to {p.her} {'sister' if q.girl else 'brother'} {q.name}. {broken}, and {q.name} began to cry. So they took it to {s.name}, {a(job)}, who mended it {place2} for {pay}. {end}."
    made = Text(text, f"{p.name} finds an old {thing}, it gets damaged, and {s.name} mends it for {pay}.", [f"How old was {p.name}?", f"What colour was the {thing}?", f"Where did {s.name} live?", "How long did it take?", f"Who had owned the {thing} before?"])
    sib = "sister" if q.girl else "brother"
    made.ask([f"Who found the {thing}?", "Who found it?"], [f"{p.name} found it.", f"{p.name}."])
    made.ask([f"What did {p.name} find?", "What was found?"], [f"An old {thing}.", f"{p.name} found an old {thing}."])
    made.ask([f"Where did {p.name} find it?", f"Where was the {thing}?"], [f"{p.name} found it {where}.", f"{capital(where)}."])
    made.ask([f"Who is {q.name}?", f"How is {q.name} related to {p.name}?"], [f"{q.name} is {p.name}'s {sib}.", f"{p.name}'s {sib}."])
    made.ask([f"To whom did {p.name} show it?", f"Who saw the {thing} next?"], [f"{p.name} showed it to {p.her} {sib} {q.name}.", f"To {q.name}."])
    made.ask([f"Why did {q.name} cry?", f"Why was {q.name} sad?", "What went wrong?"], [f"{broken}.", f"Because {broken[0].lower() + broken[1:]}."])
    made.ask(["Who cried?", "Who began to cry?"], [f"{q.name}.", f"{q.name} began to cry."])
    made.ask([f"Who mended the {thing}?", "Who repaired it?", "Who helped them?"], [f"{s.name} mended it.", f"{s.name}, {a(job)}."])
    made.ask([f"What is {s.name}'s job?", f"What does {s.name} do?"], [f"{s.name} is {a(job)}.", f"{capital(a(job))}."])
    made.ask([f"What did {s.name} get for it?", "What was the pay?", "What did they give for the work?"], [f"{s.name} got {pay}.", f"{capital(pay)}."])
    made.ask(["Where was it mended?", f"Where did {s.name} mend it?"], [f"{s.name} mended it {place2}.", f"{capital(place2)}."])
    made.ask(["What happened at the end?", "How does it end?", "What happens in the end?"], [f"{end}."])
    made.ask(["When did this happen?", "When does it begin?"], [f"{when}."])
    made.claim(f"{p.name} found the {thing}.", f"{s.name} found the {thing}.")
    made.claim(f"{s.name} mended it.", f"{q.name} mended it.")
    made.claim(f"{q.name} began to cry.", f"{p.name} began to cry.")
    made.claim(f"{s.name} is {a(job)}.", f"{p.name} is {a(job)}.")
    return made


def report(random):
    """Three people of a group, each with a task, a place and a day."""
    k = random.choice([2, 3, 3, 4])
    names, days, tasks = random.sample(NAMES, k), random.sample(DAYS, k), random.sample(TASKS, k)
    places = random.sample(["the kitchen", "the hall", "the garden", "the office", "the workshop", "the cellar", "the library", "the barn", "the ground floor", "the first floor"], k)
    group = random.choice(["our club", "the team", "class 5", "the choir", "the office", "the youth group", "the house"])
    lead = random.choice([n for n in NAMES if n not in names])
    said = [random.choice([f"{n} {t} in {p} on {d}.", f"On {d} {n} {t} in {p}.", f"In {p}, {n} {t} on {d}."]) for n, t, p, d in zip(names, tasks, places, days)]
    said = [s.replace("in the ground floor", "on the ground floor").replace("in the first floor", "on the first floor").replace("In the ground floor", "On the ground floor").replace("In the first floor", "On the first floor") for s in said]
    text = f"Plan of {group}: " * (random.random() < 0.5) + " ".join(said) + f" {lead} is in charge."
    made = Text(text, f"The text tells what {listed(names)} do.", ["How long does it take?", f"How old is {names[0]}?", "What do they earn?", f"What will {lead} do on Sunday evening?", "Who made the plan?"])
    at = lambda p: ("on " if "floor" in p else "in ") + p
    for i, (n, t, p, d) in enumerate(zip(names, tasks, places, days)):
        base = third(t)
        made.ask([f"What does {n} do?", f"What is {n}'s task?", f"What will {n} do on {d}?", f"And {n}?"], [f"{n} {t} {at(p)}.", f"{n} {t}."])
        made.ask([f"Who {t}?", f"Who is it that {t}?", f"Whose task is it to {base}?"], [f"{n}.", f"{n} {t}."])
        made.ask([f"When does {n} {base}?", f"On which day does {n} {base}?", f"What is {n}'s day?"], [f"On {d}.", f"{n} {t} on {d}."])
        made.ask([f"Where does {n} work?", f"Where does {n} {base}?", f"Where is {n} on {d}?"], [f"{capital(at(p))}.", f"{n} {t} {at(p)}."])
        made.ask([f"Who is {at(p)}?", f"Who works {at(p)}?"], [f"{n}."])
        made.ask([f"Whose turn is it on {d}?", f"Who works on {d}?", f"What happens on {d}?"], [f"On {d} {n} {t}.", f"{n} {t}."])
        other = names[(i + 1) % k]
        made.claim(f"{n} {t}.", f"{other} {t}.")
        made.claim(f"On {d} {n} {t}.", f"On {days[(i + 1) % k]} {n} {t}.")
    made.ask(["Who is in charge?", "Who leads it?", "Who is responsible?"], [f"{lead} is in charge.", f"{lead}."])
    made.ask(["How many people have a task?", "How many people are named with a task?"], [f"{capital(words(k))}: {listed(names)}."])
    return made


TASKS = ["cleans the windows", "waters the plants", "sweeps the floor", "paints a wall", "repairs the lamps", "sorts the mail", "moves the chairs", "bakes bread", "counts the boxes", "cuts the paper", "checks the heating", "packs the parcels", "polishes the shoes", "mends the door", "hangs up pictures", "feeds the fish", "makes coffee", "plays the drums", "takes photos", "reads aloud"]


def third(task):
    """cleans the windows: clean the windows"""
    verb, rest = task.split(" ", 1)
    return (verb[:-2] if verb.endswith(("shes", "xes", "ches")) else verb[:-1]) + " " + rest


def moves(random):
    """Who carried what where: where a thing is at the end, and where it was before."""
    names = random.sample(NAMES, 2)
    things = random.sample(["book", "cup", "ball", "letter", "lamp", "hat", "map", "apple", "bell", "shoe"], 2)
    rooms = random.sample(["kitchen", "hall", "garden", "cellar", "office", "bedroom", "garage", "attic", "bathroom"], 5)
    where, lines, holder, before = {}, [], {}, {}
    for n, t, r in zip(names, things, rooms):
        where[t], holder[t] = r, n
        lines.append(random.choice([f"{n} put the {t} in the {r}.", f"{n} took the {t} to the {r}.", f"{n} left the {t} in the {r}."]))
    i = random.randrange(2)
    mover = random.choice(names)
    before[things[i]] = where[things[i]]
    where[things[i]], holder[things[i]] = rooms[2], mover
    lines.append(random.choice([f"Later {mover} carried the {things[i]} to the {rooms[2]}.", f"Then {mover} took the {things[i]} from the {rooms[i]} to the {rooms[2]}.", f"After lunch {mover} moved the {things[i]} to the {rooms[2]}."]))
    if random.random() < 0.5:
        lines.append(f"In the evening it was dark in the {rooms[3]}.")
    made = Text(" ".join(lines), f"The {things[0]} is in the {where[things[0]]} and the {things[1]} in the {where[things[1]]}.", [f"Whose {things[0]} is it?", f"What colour is the {things[1]}?", f"Where is {random.choice([n for n in NAMES if n not in names])}?", f"How old is {names[0]}?"])
    for t in things:
        made.ask([f"Where is the {t}?", f"Where is the {t} now?", f"Where is the {t} at the end?", f"In which room is the {t}?", f"I need the {t}. Where is it?"], [f"The {t} is in the {where[t]}.", f"In the {where[t]}."])
        made.ask([f"Who had the {t} last?", f"Who moved the {t} last?"], [f"{holder[t]}."])
        other = random.choice([r for r in rooms[:3] if r != where[t]])
        made.claim(f"The {t} is now in the {where[t]}.", f"The {t} is now in the {other}.")
    t = things[i]
    made.ask([f"Where was the {t} first?", f"Where was the {t} before it was in the {where[t]}?", f"Where was the {t} at first?"], [f"In the {before[t]}.", f"The {t} was in the {before[t]}."])
    made.ask([f"Which thing was moved later?", "Which thing changed its place?"], [f"The {t}."])
    made.ask([f"What is in the {where[things[1 - i]]}?"] if where[things[1 - i]] != rooms[i] else [f"What is in the {where[t]}?"], [f"The {things[1 - i]}." if where[things[1 - i]] != rooms[i] else f"The {t}."])
    return made


def weather(random):
    """Several towns with their weather and temperatures."""
    k = random.choice([2, 3, 3, 4])
    towns, skies, degrees = random.sample(CITIES + VILLAGES, k), random.sample(["sunny", "rainy", "foggy", "windy", "cloudy", "snowy", "stormy", "clear"], k), random.sample(range(5, 34), k)
    degrees = [2 + d % 3 if sky == "snowy" else d for d, sky in zip(degrees, skies)]
    day = random.choice(["today", "tomorrow", "on " + random.choice(DAYS)])
    said = [random.choice([f"In {t} it is {s} with {d} degrees", f"{t}: {s}, {d} degrees", f"It is {s} in {t}, at {d} degrees"]) for t, s, d in zip(towns, skies, degrees)]
    made = Text(random.choice([f"The weather {day}. ", f"Weather report, {day}: ", f"How will it be {day}? "]) + ". ".join(said) + ".", f"The text tells the weather in {listed(towns)} {day}.", [f"How will the weather be in {random.choice([c for c in CITIES if c not in towns])}?", "Who wrote the report?", f"How strong is the wind in {towns[0]}?", f"When does the sun set in {towns[-1]}?", "What was the weather a week ago?"])
    for i, (t, s, d) in enumerate(zip(towns, skies, degrees)):
        made.ask([f"How is the weather in {t}?", f"What is the weather like in {t}?", f"weather in {t}?", f"What will it be like in {t}?"], [f"It is {s} with {d} degrees.", f"{capital(s)}, {d} degrees."])
        made.ask([f"How warm is it in {t}?", f"How many degrees are there in {t}?", f"What is the temperature in {t}?"], [f"{d} degrees.", f"It is {d} degrees in {t}."])
        made.ask([f"Where is it {s}?", f"In which town is it {s}?"], [f"In {t}.", f"It is {s} in {t}."])
        made.claim(f"It is {s} in {t}.", f"It is {skies[(i + 1) % k]} in {t}.")
    if len(set(degrees)) == k:
        warm, cold = max(zip(degrees, towns)), min(zip(degrees, towns))
        made.ask(["Which town is the warmest?", "Which place has the highest temperature?", "Which town is warmer than the rest?"], [f"{warm[1]}, with {warm[0]} degrees.", f"{warm[1]}."])
        made.ask(["Which town is the coldest?", "Which place has the lowest temperature?", "Which town is colder than the rest?"], [f"{cold[1]}, with {cold[0]} degrees.", f"{cold[1]}."])
    return made


def results(random):
    """Several matches with their results."""
    k = random.choice([2, 2, 3])
    teams = random.sample([*CITIES[:60], *VILLAGES], 2 * k)
    sport = random.choice(["football", "handball", "hockey", "water polo"])
    days, scorers = random.sample(DAYS, k), random.sample(NAMES, k)
    games = []
    for i in range(k):
        low_, high = sorted(random.sample(range(0, 9), 2))
        games.append((teams[2 * i], teams[2 * i + 1], high, low_, days[i], scorers[i]))
    lines = [random.choice([f"{w} beat {l} {h}:{o} on {d}; {n} scored the first goal.", f"On {d} {l} lost to {w} {o}:{h}. {n} scored the first goal.", f"{w} against {l} ended {h}:{o} on {d}. The first goal was {n}'s."]) for w, l, h, o, d, n in games]
    made = Text(capital(sport) + " results: " + " ".join(lines) if random.random() < 0.6 else " ".join(lines), f"The text gives the results of {words(k)} matches.", ["How many people watched?", "Where was the match played?", "Who was the referee?", "What was the weather like?", f"How old is {scorers[0]}?"])
    for w, l, h, o, d, n in games:
        made.ask([f"Who won, {w} or {l}?", f"Who won the match between {l} and {w}?", f"Who won on {d}?", f"Which team won on {d}?"], [f"{w} won.", f"{w}.", f"{w} beat {l} {h}:{o}."])
        made.ask([f"Who lost on {d}?", f"Which team lost on {d}?", f"Who lost against {w}?"], [f"{l} lost.", f"{l}."])
        made.ask([f"What was the result on {d}?", f"How did {w} play against {l}?"], [f"{w} beat {l} {h}:{o}."])
        made.ask([f"How many goals did {w} score?", f"How many goals did {w} have?"], [f"{h}.", f"{w} scored {h}."])
        made.ask([f"When did {w} play against {l}?", f"On which day did {l} play?", f"When did {w} play?"], [f"On {d}."])
        made.ask([f"Who scored the first goal on {d}?", f"Who scored first between {w} and {l}?"], [f"{n}.", f"{n} scored the first goal."])
        made.ask([f"By how many goals did {w} win?"], [f"{h} - {o} = {h - o}, so by {words(h - o)}."])
        made.claim(f"{w} won against {l}.", f"{l} won against {w}.")
    return made


def two_lives(random):
    """Two people with their births, towns, jobs and works, told together."""
    p, q = Person(random), Person(random)
    if p.name == q.name or p.surname == q.surname:
        return two_lives(random)
    (bp, bq), (cp, cq), (jp, jq) = random.sample(range(1800, 1990), 2), random.sample(CITIES, 2), random.sample(["painter", "writer", "chemist", "singer", "engineer", "dancer", "doctor", "pilot", "architect", "photographer", "botanist", "sculptor"], 2)
    kp, kq = random.sample(range(1, 8), 2)
    fp, fq = f"{p.name} {p.surname}", f"{q.name} {q.surname}"
    kids = lambda k: "one child" if k == 1 else f"{words(k)} children"
    text = random.choice([f"{fp}, {a(jp)} from {cp}, was born in {bp} and had {kids(kp)}. {fq} was {a(jq)} from {cq}, born in {bq}, with {kids(kq)}.", f"{fp} was born in {cp} in {bp}, {fq} in {cq} in {bq}. {p.name} became {a(jp)} and had {kids(kp)}; {q.name} became {a(jq)} and had {kids(kq)}."]) + random.choice([" The two never met.", f" They met only once, in {random.choice([c for c in CITIES if c not in (cp, cq)])}.", " They wrote letters to each other.", ""])
    made = Text(text, f"The text is about the {jp} {fp} and the {jq} {fq}.", [f"When did {fp} die?", f"What was {q.name}'s mother called?", f"Which school did {p.name} go to?", f"How tall was {q.name}?", f"Whom did {p.name} marry?"])
    for x, f, b, c, j, k, o in ((p, fp, bp, cp, jp, kp, (bq, cq, jq)), (q, fq, bq, cq, jq, kq, (bp, cp, jp))):
        made.ask([f"When was {f} born?", f"In which year was {x.name} born?", f"What is {x.name}'s year of birth?"], [f"In {b}.", f"{x.name} was born in {b}."])
        made.ask([f"Where did {f} come from?", f"From which city was {x.name}?", f"What is the home town of {f}?"], [f"From {c}.", f"{x.name} came from {c}."])
        made.ask([f"What was {f}?", f"What was {x.name}'s job?", f"What did {f} do for a living?"], [f"{x.name} was {a(j)}.", f"{capital(a(j))}."])
        made.ask([f"Who was {a(j)}?", f"Which of the two was {a(j)}?", f"What is the {j} called?"], [f"{f}.", f"{f} was {a(j)}."])
        made.ask([f"How many children did {f} have?", f"How many children did {x.name} have?"], [f"{capital(words(k))}.", f"{x.name} had {kids(k)}."])
        made.ask([f"Who was born in {b}?", f"Who came from {c}?"], [f"{f}."])
        made.claim(f"{f} was {a(j)}.", f"{f} was {a(o[2])}.")
        made.claim(f"{f} was born in {b}.", f"{f} was born in {o[0]}.")
    made.ask(["Who was born first?", "Who was older?", "Which of the two was born earlier?"], [f"{fp if bp < bq else fq}.", f"{fp if bp < bq else fq}, in {min(bp, bq)}."])
    made.ask(["Who was younger?", "Who was born later?"], [f"{fp if bp > bq else fq}."])
    made.ask(["Who had more children?", "Which of them had more children?"], [f"{fp if kp > kq else fq}.", f"{fp if kp > kq else fq}, with {words(max(kp, kq))}."])
    return made


def flats(random):
    """Two or three flats to rent: street, rooms, floor, rent, what is special."""
    k = random.choice([2, 2, 3])
    streets = random.sample(["Mill Street", "Park Road", "Church Lane", "Station Street", "River Walk", "Garden Row", "Bridge Street", "King's Road", "High Street", "Oak Avenue"], k)
    rooms, floors, rents, extras, free = random.sample(range(1, 7), k), random.sample(["ground floor", "first floor", "second floor", "third floor", "fourth floor", "top floor"], k), random.sample(range(350, 1900, 10), k), random.sample(["a balcony", "a garden", "a new kitchen", "a view of the river", "a garage", "a fireplace", "two bathrooms", "a big cellar"], k), random.sample(MONTHS, k)
    room = lambda n: "one room" if n == 1 else f"{words(n)} rooms"
    lines = [random.choice([f"The flat in {s} has {room(r)} on the {f}, with {e}, for {euros(m)} a month, free from {o}.", f"{s}: {room(r)}, {f}, {e}, {euros(m)} a month, from {o}.", f"In {s} there is a flat of {room(r)} on the {f}. It has {e}, costs {euros(m)} a month and is free from {o}."]) for s, r, f, m, e, o in zip(streets, rooms, floors, rents, extras, free)]
    made = Text("To rent. " * (random.random() < 0.5) + " ".join(lines), f"The text offers {words(k)} flats, in {listed(streets)}.", ["May I keep a dog?", "Who is the landlord?", f"How old is the house in {streets[0]}?", "How many square metres does it have?", "Is there a lift?"])
    for i, (s, r, f, m, e, o) in enumerate(zip(streets, rooms, floors, rents, extras, free)):
        made.ask([f"What is the rent in {s}?", f"How much is the flat in {s}?", f"What does the flat in {s} cost?"], [f"{euros(m)} a month.", f"The flat in {s} costs {euros(m)} a month."])
        made.ask([f"How many rooms does the flat in {s} have?", f"How many rooms are there in {s}?"], [f"{capital(room(r))}.", f"The flat in {s} has {room(r)}."])
        made.ask([f"On which floor is the flat in {s}?", f"Which floor is it in {s}?"], [f"On the {f}.", f"It is on the {f}."])
        made.ask([f"Which flat has {e}?", f"I want {e}. Which flat is right for me?", f"Where is there {e}?"], [f"The one in {s}.", f"The flat in {s}."])
        made.ask([f"When is the flat in {s} free?", f"From when can I move into {s}?"], [f"From {o}.", f"It is free from {o}."])
        made.ask([f"What is special about the flat in {s}?", f"What does the flat in {s} offer?"], [f"It has {e}."])
        made.claim(f"The flat in {s} has {e}.", f"The flat in {s} has {extras[(i + 1) % k]}.")
        made.claim(f"The flat in {s} is on the {f}.", f"The flat in {s} is on the {floors[(i + 1) % k]}.")
    cheap, big, dear = min(zip(rents, streets)), max(zip(rooms, streets)), max(zip(rents, streets))
    made.ask(["Which flat is the cheapest?", "Where is the rent lowest?", "Which one costs the least?"], [f"The one in {cheap[1]}, for {euros(cheap[0])}.", f"The flat in {cheap[1]}."])
    made.ask(["Which flat is the most expensive?", "Where is the rent highest?"], [f"The one in {dear[1]}, for {euros(dear[0])}."])
    made.ask(["Which flat has the most rooms?", "Which one has more rooms than the rest?"], [f"The one in {big[1]}, with {room(big[0])}."])
    return made


MEALS = ["lentil soup", "fish soup", "pizza", "lasagne", "pea soup", "vegetable curry", "rice with beans", "fried fish", "potato salad", "stew", "roast chicken", "mushroom risotto", "macaroni cheese", "tomato soup", "sushi", "goulash", "spinach pie", "chilli", "pasta with pesto", "baked trout"]


def menu(random):
    """Dishes by day and cook."""
    k = random.choice([3, 3, 4])
    days = sorted(random.sample(DAYS, k), key=DAYS.index)
    dishes, cooks = random.sample(MEALS, k), random.sample(NAMES, k)
    sweet = random.sample(["ice cream", "stewed plums", "chocolate pudding", "apple pie", "rice pudding", "fruit salad", "cheesecake", "jelly"], k)
    where = random.choice(["canteen", "school kitchen", "camp", "village hall", "hostel", "family"])
    lines = [random.choice([f"On {d} {c} cooks {f}, with {s} after it.", f"{d}: {f} and {s}, cooked by {c}.", f"{c} makes {f} on {d}, and then there is {s}."]) for d, f, c, s in zip(days, dishes, cooks, sweet)]
    lines = [l.replace("there is stewed plums", "there are stewed plums") for l in lines]
    made = Text(f"Plan of the {where}. " + " ".join(lines), f"The text tells what the {where} eats on {listed(days)}.", ["What does a meal cost?", "How many people eat there?", f"What is there on {random.choice([d for d in DAYS if d not in days])}?", "What is there to drink?", f"How old is {cooks[0]}?"])
    for i, (d, f, c, s) in enumerate(zip(days, dishes, cooks, sweet)):
        made.ask([f"What is there to eat on {d}?", f"What is cooked on {d}?", f"What's for dinner on {d}?", f"What will we eat on {d}?"], [f"{capital(f)}.", f"On {d} there is {f}.", f"{capital(f)}, and then {s}."])
        made.ask([f"Who cooks on {d}?", f"Who makes the {f}?", f"Who cooks the {f}?"], [f"{c}.", f"{c} cooks on {d}."])
        made.ask([f"When do we get {f}?", f"On which day is there {f}?", f"When does {c} cook?"], [f"On {d}."])
        made.ask([f"What comes after the {f}?", f"What is the sweet dish on {d}?", f"What is the dessert on {d}?"], [f"{capital(s)}."])
        made.ask([f"What does {c} cook?", f"What does {c} make?"], [f"{c} cooks {f}.", f"{capital(f)}."])
        made.claim(f"{c} cooks {f}.", f"{c} cooks {dishes[(i + 1) % k]}.")
        made.claim(f"{c} cooks on {d}.", f"{c} cooks on {days[(i + 1) % k]}.")
    made.ask(["Who cooks first?", "Who is the first to cook in the week?"], [f"{cooks[0]}, on {days[0]}."])
    made.ask(["Who cooks last?", "Who is the last to cook in the week?"], [f"{cooks[-1]}, on {days[-1]}."])
    return made


def order(random):
    """A shop's confirmation: number, things with prices and amounts, delivery, address."""
    p = Person(random)
    k = random.choice([2, 2, 3])
    things, prices = random.sample([g for g in GOODS if g not in ("scarf",)], k), random.sample(range(3, 60), k)
    number, day, house = random.randint(10000, 99999), random.choice(DAYS), random.randint(1, 120)
    street, shop = random.choice(["Mill Street", "Park Road", "Church Lane", "River Walk", "Oak Avenue", "Hill Road"]), random.choice(["Bluebird", "Homely", "Kellerman's", "The Corner Shop", "Nest", "Marlow's"])
    send = random.randint(2, 9)
    text = f"Dear {p.title} {p.surname}, thank you for your order {number} at {shop}. You ordered {listed([f'{a(t)} for {euros(n)}' for t, n in zip(things, prices)])}. Delivery costs {euros(send)}. The parcel will reach you at {house} {street} on {day}. You can return things within {random.choice([14, 20, 28, 30])} days."
    days = text.split("within ")[1].split(" ")[0]
    made = Text(text, f"{shop} confirms an order of {listed([a(t) for t in things])}, which comes on {day}.", [f"What colour is the {things[0]}?", "How was it paid?", "Who brings the parcel?", f"What is {p.title} {p.surname}'s first name?", "How heavy is the parcel?"])
    for t, n in zip(things, prices):
        made.ask([f"What does the {t} cost?", f"How much is the {t}?", f"What is the price of the {t}?"], [f"The {t} costs {euros(n)}.", f"{capital(euros(n))}."])
        made.claim(f"The {t} costs {euros(n)}.", f"The {t} costs {euros(n + random.choice([1, 2, 10]))}.")
    made.ask(["What was ordered?", "Which things did the customer order?", "What is in the parcel?"], [f"{capital(listed([a(t) for t in things]))}."])
    made.ask(["What is the order number?", "Which number does the order have?", "order number?"], [f"{number}.", f"The order number is {number}."])
    made.ask(["When does the parcel come?", "On which day is the delivery?", "When will it arrive?"], [f"On {day}.", f"It comes on {day}."])
    made.ask(["What does delivery cost?", "How much is the delivery?"], [f"{capital(euros(send))}.", f"Delivery costs {euros(send)}."])
    made.ask(["Where will the parcel be delivered?", "What is the address?"], [f"{house} {street}.", f"At {house} {street}."])
    made.ask(["Who ordered?", "Who is the customer?", "To whom is this written?"], [f"{p.title} {p.surname}."])
    made.ask(["Which shop wrote this?", "Where was it ordered?", "Who is the sender?"], [f"{shop}."])
    made.ask(["How long can things be returned?", "Within how many days can I send things back?"], [f"Within {days} days."])
    made.ask([f"Which is cheaper, the {things[0]} or the {things[1]}?"], [f"The {things[0] if prices[0] < prices[1] else things[1]}."])
    made.ask([f"What do the {things[0]} and the {things[1]} cost together?"], [f"{prices[0]} + {prices[1]} = {sum(prices[:2])}, so {euros(sum(prices[:2]))}."])
    made.claim(f"The parcel comes on {day}.", f"The parcel comes on {random.choice([d for d in DAYS if d != day])}.")
    return made


MAKERS = [compared] * 5 + [timetable] * 3 + [letter] * 3 + [house_notice] * 2 + [recipe] * 2 + [news] * 3 + [product] * 3 + [tale] * 3 + [report] * 3 + [moves] * 2 + [weather] * 2 + [results] * 2 + [two_lives] * 3 + [flats] * 2 + [menu] * 2 + [order] * 2


def question(random, made):
    draw = random.random()
    if draw < 0.13:
        return random.choice(made.open), random.choice(UNKNOWN)
    if draw < 0.17:
        return random.choice(SUMMARISE), made.gist
    if draw < 0.30:
        true, false = random.choice(made.claims)
        form, wrong = random.choice(TRUE_FORMS), false and random.random() < 0.5
        claim = false if wrong else true
        yes, no = ("True", "False") if "true or false" in form.lower() else ("Yes", "No")
        if wrong:
            answer = random.choice([f"{no}. {true}", f"{no}.", f"{no}. {true}"]) if not true.startswith("You need") else f"{no}."
        else:
            answer = random.choice([f"{yes}.", f"{yes}. The text says so.", f"{yes}. {true}"])
        return form.format(c=claim, l=low(claim)[:-1]), answer
    forms, answers = random.choice(made.asked)
    return random.choice(forms), random.choice(answers)


def framed(random, text, q):
    frame = random.choice(FRAMES)
    if '"' in text and '"' in frame:
        frame = "Text: {p}\nQuestion: {q}"
    if random.random() < 0.2:
        q = q.lower() if random.random() < 0.4 else q.rstrip("?.")
    return frame.format(p=text, q=q, q2=q if q.split()[0].strip("'s,:") in KEPT_CAPITALS else q[0].lower() + q[1:])


def reading(random, other):
    """A text and one to four questions about it, the text in one message with the first or before it."""
    made = random.choice(MAKERS)(random)
    q, r = question(random, made)
    if random.random() < 0.25:
        turns = given_first(random, other, made.text, q, r, 0.2)
    else:
        turns = [(framed(random, made.text, q), r)]
    return asked_on(random, turns, q, lambda: question(random, made))

