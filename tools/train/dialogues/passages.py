"""Short texts made by rule, and questions whose answers stand in them; sorting, taking out, rewriting, summing up."""
from .lists import (BOYS, CITIES, COLOURS, DAYS, FOODS, GIRLS, HOBBIES, INSTRUMENTS, JOBS, MONTHS, NAMES, PET_NAMES, PETS, SHOP, SPORTS, SUBJECTS, SURNAMES, THINGS, table)
from .numbers import words
from .phrasing import a, capital, listed, pick, styled

PLURALS = [t[1] for t in THINGS]
UNKNOWN = ["The text does not say.", "The text does not say that.", "That is not in the text.", "It does not say.", "The text does not tell us.", "I can't tell from the text.", "That isn't mentioned in the text.", "The passage does not say."]
VILLAGES = """Arlen Birkby Corrow Dunmere Eastholm Farley Greenhow Harlow Inverness Kelso Lorne Marsden Norby Oakham Penwick Quill Ravenby Selby Thorne Ulverton Wexcombe
Yarrow Ashford Brook Cliffton Daleham Elmstead Fenwick Granby Holt Ivybridge Kirkby Linton Milby Netherton Otley Portby Redmere Sandhaven Tilby""".split()


class Person:
    def __init__(self, random, adult=True):
        self.girl = random.random() < 0.5
        self.name = random.choice(GIRLS if self.girl else BOYS)
        self.she, self.her, self.obj = ("she", "her", "her") if self.girl else ("he", "his", "him")
        self.She, self.Her = capital(self.she), capital(self.her)
        self.title = "Ms." if self.girl else "Mr."
        self.surname = random.choice(SURNAMES)


def two(random):
    x, y = Person(random), Person(random)
    while y.name == x.name:
        y = Person(random)
    return x, y


# Every maker gives a text, questions with their answers, what it leaves open, and the text in one sentence.

def visit(random):
    p, q = two(random)
    day, city, by = random.choice(DAYS), random.choice(CITIES + VILLAGES), random.choice(["train", "bus", "bike", "car", "boat", "plane"])
    rel, gift = random.choice(["aunt", "grandmother", "sister", "cousin"] if q.girl else ["uncle", "grandfather", "brother", "cousin"]), random.choice(PLURALS)
    food, hours = random.choice(FOODS), random.randint(2, 9)
    went = {"bike": "rode a bike", "plane": "flew"}.get(by, f"took the {by}")
    text = f"On {day} {p.name} {went} to {city} to visit {p.her} {rel} {q.name}. The trip took {words(hours)} hours. {p.She} brought a bag of {gift}. In the evening they ate {food} together."
    return text, [(["Who did {p} visit?", "Whom does {p} go to see?", "Who lives in {c}?|"], [f"{p.name} visited {p.her} {rel} {q.name}.", f"{p.Her} {rel} {q.name}."]),
                  (["Where did {p} go?", "Which place did {p} travel to?", "To which town did {p} go?"], [f"{p.name} went to {city}.", f"To {city}."]),
                  (["How did {p} get there?", "How did {p} travel?", "What did {p} travel by?"], [f"{p.name} went by {by}.", f"By {by}."]),
                  (["When did {p} go?", "On which day was the visit?", "What day did {p} travel?"], [f"On {day}.", f"{p.name} went on {day}."]),
                  (["What did {p} bring?", "What was in the bag?", "What present did {p} bring?"], [f"{p.She} brought a bag of {gift}.", f"A bag of {gift}."]),
                  (["What did they eat?", "What did they have in the evening?", "What was for dinner?"], [f"They ate {food}.", f"{capital(food)}."]),
                  (["How long did the trip take?", "How many hours was the trip?", "How long was the journey?"], [f"The trip took {words(hours)} hours.", f"{capital(words(hours))} hours."]),
                  (["Why did {p} go to {c}?", "What was the reason for the trip?"], [f"To visit {p.her} {rel} {q.name}.", f"{p.name} wanted to visit {p.her} {rel} {q.name}."])], \
        ["What did the trip cost?", f"How old is {q.name}?", "What was the weather like?", f"What colour is {p.name}'s coat?", "When did they go to bed?"], \
        f"{p.name} travelled to {city} by {by} to visit {p.her} {rel} {q.name}.", {"p": p.name, "c": city}


def lost(random):
    p, q = two(random)
    thing, colour = random.choice(["umbrella", "scarf", "hat", "glove", "wallet", "bag", "ring", "watch", "phone", "book", "key"]), random.choice(COLOURS)
    where, found, when = random.choice(["at the market", "in the park", "on the bus", "at school", "at the station", "in the library", "on the beach", "at the cinema"]), random.choice(["under a bench", "behind a tree", "in a box", "next to the door", "under a seat", "on a wall", "in the grass"]), random.choice(["morning", "afternoon", "evening"])
    prize = random.choice(["a cake", "a bar of chocolate", "ten euros", "a bunch of flowers", "a cup of tea", "two cinema tickets"])
    text = f"{p.name} lost {a(colour)} {thing} {where} one {when}. {p.She} looked everywhere but could not find it. The next day {q.name}, {a(random.choice(JOBS))}, found it {found}. {p.name} was so happy that {p.she} gave {q.obj} {prize}."
    job = text.split(q.name + ", ")[1].split(",")[0]
    return text, [(["What did {p} lose?", "Which thing was lost?", "what was lost"], [f"{p.name} lost {a(colour)} {thing}.", f"{capital(a(colour))} {thing}."]),
                  (["Where did {p} lose it?", "Where was the {t} lost?"], [f"{p.name} lost it {where}.", f"{capital(where)}."]), (["Who found it?", "Who found the {t}?", "Who was the finder?"], [f"{q.name} found it.", f"{q.name}."]),
                  (["Where was it found?", "Where did {q} find it?", "Where was the {t} in the end?"], [f"It was {found}.", f"{q.name} found it {found}."]), (["What colour was the {t}?", "Which colour did it have?"], [f"The {thing} was {colour}.", f"{capital(colour)}."]),
                  (["What did {p} give {q}?", "What did {q} get?", "What was the reward?"], [f"{p.name} gave {q.obj} {prize}.", f"{capital(prize)}."]), (["What is {q}'s job?", "What does {q} do for a living?"], [f"{q.name} is {job}.", f"{capital(job)}."]),
                  (["How did {p} feel at the end?", "How did {p} feel when it was found?"], [f"{p.name} was very happy.", f"{p.She} was happy."]), (["When did {p} lose it?", "At what time of day was it lost?"], [f"In the {when}.", f"One {when}."])], \
        [f"What did the {thing} cost?", f"How old is {p.name}?", f"Where does {q.name} live?", f"What is {p.name}'s job?"], f"{p.name} lost {a(colour)} {thing}, and {q.name} found it {found}.", {"p": p.name, "q": q.name, "t": thing}


def shop(random):
    p = Person(random)
    kind, o, c = random.choice([("bakery", 6, 18), ("library", 9, 17), ("museum", 10, 18), ("zoo", 9, 19), ("swimming pool", 7, 21), ("bookshop", 10, 20), ("post office", 8, 16), ("cafe", 8, 22), ("toy shop", 9, 18), ("flower shop", 8, 17)])
    o, c = o + random.randint(-1, 1), c + random.randint(-1, 1)
    closed, price, child = random.choice(DAYS), random.randint(4, 20), random.randint(1, 3)
    street = random.choice(["Mill", "Park", "Station", "Church", "River", "Garden", "Bridge", "High", "King", "Market"]) + " Street"
    number = random.randint(1, 99)
    tickets = kind in ("museum", "zoo", "swimming pool")
    text = f"The {kind} at {number} {street} is open from {o} am to {c - 12} pm. It is closed on {closed}s. " + (f"A ticket costs {price} euros; children pay {child} euro{'s' if child > 1 else ''}. " if tickets else "") + f"The manager is {p.title} {p.surname}."
    qs = [(["When does the {k} open?", "At what time does it open?", "From when is it open?", "What time does the {k} open in the morning?"], [f"It opens at {o} am.", f"At {o} am."]), (["When does the {k} close?", "Until when is it open?", "How long is it open in the evening?"], [f"It closes at {c - 12} pm.", f"At {c - 12} pm."]),
          (["On which day is it closed?", "When is the {k} closed?", "Which day should I not go?"], [f"It is closed on {closed}s.", f"On {closed}s."]), (["Where is the {k}?", "What is the address?", "In which street is the {k}?"], [f"It is at {number} {street}.", f"At {number} {street}."]),
          (["Who is the manager?", "Who runs the {k}?", "Who leads it?"], [f"The manager is {p.title} {p.surname}.", f"{p.title} {p.surname}."]), (["Can I go on {d}?", "Is it open on {d}?"], [f"Yes. It is closed only on {closed}s."]), (["Can I go there on {x}?", "Is the {k} open on {x}?"], [f"No, it is closed on {closed}s."])]
    if tickets:
        qs += [(["How much is a ticket?", "What does a ticket cost?", "What do adults pay?"], [f"A ticket costs {price} euros.", f"{price} euros."]), (["What do children pay?", "How much is it for a child?"], [f"Children pay {child} euro{'s' if child > 1 else ''}.", f"{child} euro{'s' if child > 1 else ''}."])]
    return text, qs, ["How old is the building?", "Is there a car park?", "What is the phone number?", f"How many people work there?"], f"The {kind} is open from {o} am to {c - 12} pm except on {closed}s.", {"k": kind, "d": random.choice([d for d in DAYS if d != closed]), "x": closed}


def life(random):
    p, q = two(random)
    year, city, job, pet, pn = random.randint(1930, 2000), random.choice(CITIES), random.choice(JOBS), random.choice(PETS), random.choice(PET_NAMES)
    move = year + random.randint(18, 30)
    new = random.choice([c for c in CITIES if c != city])
    kids, hobby = random.randint(2, 5), random.choice(HOBBIES)
    text = f"{p.name} {p.surname} was born in {city} in {year}. In {move} {p.she} moved to {new} and became {a(job)}. {p.She} has {words(kids)} children and {a(pet)} called {pn}. {p.Her} hobby is {hobby}."
    return text, [(["Where was {p} born?", "In which city was {p} born?", "What is {p}'s birthplace?"], [f"{p.name} was born in {city}.", f"In {city}."]), (["When was {p} born?", "In which year was {p} born?", "What is the year of birth?"], [f"{p.name} was born in {year}.", f"In {year}."]),
                  (["What is {p}'s job?", "What did {p} become?", "What does {p} do for a living?"], [f"{p.name} is {a(job)}.", f"{p.She} became {a(job)}."]), (["Where did {p} move?", "Which city did {p} move to?", "Where does {p} live now?"], [f"{p.name} moved to {new}.", f"{new}."]),
                  (["When did {p} move to {n}?", "In which year did {p} move?"], [f"In {move}.", f"{p.name} moved in {move}."]), (["How many children does {p} have?", "How many kids are there?"], [f"{p.name} has {words(kids)} children.", f"{capital(words(kids))}."]),
                  (["What pet does {p} have?", "Which animal does {p} have?"], [f"{p.name} has {a(pet)} called {pn}.", f"{capital(a(pet))}."]), (["What is the {x} called?", "What is the name of {p}'s {x}?", "Who is {pn}?"], [f"The {pet} is called {pn}.", f"{pn} is {p.name}'s {pet}."]),
                  (["What is {p}'s hobby?", "What does {p} like to do?"], [f"{p.Her} hobby is {hobby}.", f"{capital(hobby)}."]), (["How old was {p} when {s} moved?"], [f"{move} - {year} = {move - year}, so {p.she} was about {move - year} years old."])], \
        [f"What is {p.name}'s favourite colour?", f"Is {p.name} tall?", "What are the names of the children?", f"What does {p.name} eat for breakfast?", f"Who is {p.name}'s best friend?"], \
        f"{p.name} {p.surname}, born in {city} in {year}, moved to {new} and became {a(job)}.", {"p": p.name, "n": new, "x": pet, "s": p.she, "pn": pn}


def colours(random):
    kind = random.choice(["box", "bag", "drawer", "basket", "jar"])
    cs = random.sample(COLOURS, 3)
    ts = random.sample(PLURALS, 3)
    ns = random.sample(range(2, 20), 3)
    text = " ".join(f"The {c} {kind} holds {n} {t}." for c, n, t in zip(cs, ns, ts))
    qs = []
    for c, n, t in zip(cs, ns, ts):
        qs += [([f"What is in the {c} {kind}?", f"What does the {c} {kind} hold?"], [f"The {c} {kind} holds {n} {t}.", f"{n} {t}."]), ([f"Where are the {t}?", f"In which {kind} are the {t}?", f"Which {kind} holds the {t}?"], [f"The {t} are in the {c} {kind}.", f"In the {c} {kind}."]),
               ([f"How many {t} are there?", f"How many {t} are in the {c} {kind}?"], [f"There are {n} {t}.", f"{n}."])]
    most = max(zip(ns, ts, cs))
    qs.append((["Which " + kind + " holds the most things?", "Of what are there the most?"], [f"The {most[2]} {kind}, with {most[0]} {most[1]}."]))
    other = random.choice([c for c in COLOURS if c not in cs])
    return text, qs, [f"What is in the {other} {kind}?", f"Who owns the {cs[0]} {kind}?", f"How heavy is the {cs[1]} {kind}?"], f"Three {dict(box='boxes').get(kind, kind + 's')} hold {listed(ts)}.", {}


def trip(random):
    p = Person(random)
    place = random.choice(["the lake", "the forest", "the mountains", "the beach", "the castle", "the farm", "the river", "the old mill", "an island"])
    who = random.choice([f"{p.her} dog", f"{p.her} class", "two friends", f"{p.her} parents", f"{p.her} grandfather"])
    reason, ended = random.choice([("it began to rain", "they went home early"), ("they missed the bus", "they had to walk home"), ("it got very hot", "they all went for a swim"), ("they forgot the sandwiches", "they were very hungry"), ("the road was closed", "they turned back"), ("a storm came up", "they hid in a barn"), ("someone lost a shoe", "they came home late"), ("the boat had a hole", "they stayed on land")])
    month, saw, n = random.choice(MONTHS), random.choice(["deer", "rabbits", "swans", "squirrels", "foxes", "eagles", "frogs", "wild horses"]), random.randint(2, 9)
    text = f"In {month} {p.name} went to {place} with {who}. On the way they saw {words(n)} {saw}. At noon {reason}, so {ended}."
    return text, [(["Where did {p} go?", "Which place did they go to?"], [f"{p.name} went to {place}.", f"To {place}."]), (["Who went with {p}?", "Who was with {p}?", "Who came along?"], [f"{p.name} went with {who}.", f"{capital(who)}."]),
                  (["What did they see on the way?", "Which animals did they see?", "What animals were there?"], [f"They saw {words(n)} {saw}.", f"{capital(words(n))} {saw}."]), (["How many {s} did they see?"], [f"They saw {words(n)} {saw}.", f"{capital(words(n))}."]),
                  ([f"Why is it that {ended}?", "Why did the day end so?", "What went wrong?", "What happened at noon?"], [f"At noon {reason}.", f"Because {reason}."]), (["How did it end?", "What happened in the end?", "What did they do then?"], [f"{capital(ended)}.", f"Because {reason}, {ended}."]), (["When was the trip?", "In which month did they go?"], [f"In {month}.", f"The trip was in {month}."])], \
        [f"How old is {p.name}?", "How long did they walk?", "What did they sing?", "What did the trip cost?"], f"{p.name} went to {place} in {month}, but {reason}, so {ended}.", {"p": p.name, "s": saw}


def prices(random):
    items = random.sample(["tea", "coffee", "soup", "cake", "a sandwich", "juice", "a salad", "an egg", "toast", "ice cream", "water", "a pancake"], 4)
    ps = random.sample(range(1, 15), 4)
    name = random.choice(["Cafe Sun", "Rosie's Kitchen", "the Blue Cup", "Cafe Luna", "the Old Oven", "the Green Table"])
    text = f"Prices at {name}: " + ", ".join(f"{i} {n} euros" if n > 1 else f"{i} 1 euro" for i, n in zip(items, ps)) + "."
    e = lambda n: f"{n} euro{'s' if n != 1 else ''}"
    bare = lambda i: i.split(" ", 1)[1] if i.startswith(("a ", "an ")) else i
    qs = [([f"How much is {i}?", f"What does {i} cost?", f"What is the price of {i}?", f"how much for {i}"], [f"{capital(i)} costs {e(n)}.", f"{capital(e(n))}."]) for i, n in zip(items, ps)]
    cheap, dear = min(zip(ps, items)), max(zip(ps, items))
    qs += [(["What is cheapest?", "Which is the cheapest?", "What costs the least?"], [f"{capital(cheap[1])} is the cheapest, at {e(cheap[0])}."]), (["What is the most expensive?", "What costs the most?", "Which is the dearest?"], [f"{capital(dear[1])} costs the most, {e(dear[0])}."]),
           ([f"How much are {items[0]} and {items[1]} together?", f"What do I pay for {items[0]} and {items[1]}?"], [f"{ps[0]} + {ps[1]} = {ps[0] + ps[1]}, so {e(ps[0] + ps[1])}."])]
    other = random.choice([i for i in ["milk", "pizza", "beer", "rice"]])
    return text, qs, [f"What does {other} cost?", "When does it open?", "Where is it?"], f"{capital(name)} sells {listed(map(bare, items))}.", {}


def mail(random):
    p, q = two(random)
    day, hour, place = random.choice(DAYS), random.randint(1, 8), random.choice(["at the station", "at my house", "in the library", "at the cafe", "in room " + str(random.randint(2, 90)), "in the park", "at the office"])
    bring, phone = random.choice(["the photos", "your guitar", "some bread", "the keys", "a warm coat", "the report", "your laptop", "a cake"]), f"0{random.randint(100, 999)} {random.randint(100000, 999999)}"
    mailbox = f"{p.name.lower()}.{p.surname.lower()}@{random.choice(['example.com', 'mail.example', 'post.example.org'])}"
    why = random.choice(["plan the party", "talk about the trip", "practise for the concert", "look at the new plans", "cook together", "celebrate my birthday", "finish the report"])
    text = f"Dear {q.name}, let us meet on {day} at {hour} pm {place} to {why}. Please bring {bring}. You can reach me at {phone} or {mailbox}. Best wishes, {p.name} {p.surname}"
    return text, [(["Who wrote this?", "Who is the sender?", "Who sent the mail?", "Who is the letter from?"], [f"{p.name} {p.surname} wrote it.", f"It is from {p.name} {p.surname}."]), (["Who is it written to?", "Who gets this mail?", "To whom is the letter?"], [f"It is written to {q.name}.", f"{q.name}."]),
                  (["When do they meet?", "When is the meeting?", "On which day and at what time is the meeting?"], [f"They meet on {day} at {hour} pm.", f"On {day} at {hour} pm."]), (["Where do they meet?", "Where is the meeting?"], [f"They meet {yours(place)}.", f"{capital(place)}."] if " my " not in place else [f"They meet at {p.name}'s house."]),
                  (["What should {q} bring?", "What does {q} have to bring?"], [f"{q.name} should bring {theirs(bring, q)}."]), (["What is the phone number?", "Find the phone number.", "Which phone number is given?", "Extract the phone number."], [f"The phone number is {phone}.", f"{phone}"]),
                  (["What is the email address?", "Find the email address in this text.", "Extract the email address.", "Which e-mail address is given?"], [f"The email address is {mailbox}.", f"{mailbox}"]), (["Why do they meet?", "What is the meeting for?", "What is the reason for the meeting?"], [f"They meet to {why.replace('my', p.name + chr(39) + 's')}."]),
                  (["Which names are in the text?", "List the people in this text."], [f"{q.name} and {p.name} {p.surname}."]), (["Which weekday is named?"], [f"{day}."])], ["How long will they meet?", f"What does {q.name} answer?", "Who else will come?"], \
        f"{p.name} asks {q.name} to meet on {day} at {hour} pm and to bring {theirs(bring, q)}.", {"q": q.name}


def yours(text):
    return text.replace(" my ", " your ")


def theirs(text, person):
    return text.replace("your ", person.her + " ")


def three_people(random):
    ps = random.sample(NAMES, 3)
    kind = random.choice([("years old", "older", "oldest", "youngest", range(5, 90), "{n} is {v} years old", "How old is {n}?"), ("cm tall", "taller", "tallest", "shortest", range(120, 200), "{n} is {v} cm tall", "How tall is {n}?"), ("kg", "heavier", "heaviest", "lightest", range(20, 100), "{n} weighs {v} kg", "How much does {n} weigh?"),
                          ("points", "better", "best", "worst", range(1, 60), "{n} has {v} points", "How many points does {n} have?"), ("pages", "longer", "most pages", "fewest pages", range(3, 90), "{n} read {v} pages", "How many pages did {n} read?"), ("goals", "more", "most goals", "fewest goals", range(1, 20), "{n} scored {v} goals", "How many goals did {n} score?")])
    vs = random.sample(kind[4], 3)
    said = [kind[5].format(n=n, v=v) for n, v in zip(ps, vs)]
    text = random.choice([". ".join(said) + ".", listed(said) + "."])
    verb = {"pages": "read the", "goals": "scored the"}.get(kind[0], "is the")
    low, high = min(zip(vs, ps)), max(zip(vs, ps))
    qs = [([kind[6].format(n=n)], [f"{s}."]) for n, s in zip(ps, said)]
    qs += [([f"Who {verb} {kind[2]}?"] * 2, [f"{high[1]} {verb} {kind[2]}.", f"{high[1]}."]), ([f"Who {verb} {kind[3]}?"] * 2, [f"{low[1]} {verb} {kind[3]}.", f"{low[1]}."])]
    if kind[0] in ("years old", "cm tall"):
        d = abs(vs[0] - vs[1])
        first, second = (ps[0], ps[1]) if vs[0] > vs[1] else (ps[1], ps[0])
        qs += [([f"Is {ps[0]} {kind[1]} than {ps[1]}?"], [("Yes" if vs[0] > vs[1] else "No") + f", {first} is {kind[1]} than {second}."]), ([f"How much {kind[1]} is {first} than {second}?"], [f"{max(vs[:2])} - {min(vs[:2])} = {d}, so {d} {'years' if kind[0] == 'years old' else 'cm'}."])]
        qs.append(([f"List them from {kind[3]} to {kind[2]}.", "Put the three in order, lowest first."], [listed([n for _, n in sorted(zip(vs, ps))]) + "."]))
    return text, qs, [f"Where does {ps[0]} live?", kind[6].format(n=random.choice([n for n in NAMES if n not in ps]))], f"The text compares {listed(ps)}.", {}


def village(random):
    v = random.choice(VILLAGES)
    people, year, river = random.choice([random.randint(2, 9) * 100, random.randint(2, 30) * 1000]), random.randint(1100, 1950), random.choice(["Alder", "Brenn", "Calder", "Dove", "Esk", "Fern", "Lune", "Moss", "Nidd", "Rill", "Tarn", "Wye"])
    known, feast, month = random.choice(["its cheese", "its old bridge", "its windmill", "its blue doors", "its honey", "its apple trees", "its glass", "its bells", "its white horses"]), random.choice(["a lantern feast", "a boat race", "a kite day", "an apple market", "a music week", "a sheep fair"]), random.choice(MONTHS)
    text = f"{v} is a small town on the River {river}. It was founded in {year} and has about {people} people. The town is known for {known}. Every {month} there is {feast}."
    return text, [(["How many people live in {v}?", "How many people live there?", "How big is the town?"], [f"About {people} people live in {v}.", f"About {people}."]), (["When was {v} founded?", "In which year was the town founded?", "How old is the town?|"], [f"{v} was founded in {year}.", f"In {year}."]),
                  (["Which river is {v} on?", "What is the name of the river?", "On which river does the town lie?"], [f"{v} is on the River {river}.", f"The River {river}."]), (["What is {v} known for?", "What is the town famous for?"], [f"It is known for {known}.", f"For {known}."]),
                  (["What happens every {m}?", "What is there in {m}?", "Which feast does the town have?"], [f"Every {month} there is {feast}.", f"There is {feast}."]), (["When is the feast?", "In which month is the feast?"], [f"It is in {month}.", f"In {month}."])], \
        [f"Who is the mayor of {v}?", "Is there a hospital?", "How deep is the river?", "Who founded the town?", "Which schools are there?"], f"{v} is a small town on the River {river}, known for {known}.", {"v": v, "m": month}


def pets(random):
    p, q = two(random)
    k1, k2 = random.sample([x for x in PETS if x not in ("puppy", "kitten")], 2)
    n1, n2 = random.sample(PET_NAMES, 2)
    c1, c2 = random.sample(COLOURS[7:12] + ["spotted", "striped"], 2)
    food, place = random.choice(["carrots", "cheese", "fish", "bread", "apples", "seeds", "biscuits"]), random.choice(["in the kitchen", "on the sofa", "in the garden", "under the stairs", "in a basket", "by the stove", "on the roof"])
    text = f"{p.name} has {a(k1)} and {q.name} has {a(k2)}. The {k1} is called {n1} and is {c1}. The {k2} is called {n2}, is {c2} and sleeps {place}. {n1} loves {food}."
    return text, [(["Who has {k1}?", "Whose pet is {n1}?", "Who owns {n1}?"], [f"{p.name}.", f"{p.name} has the {k1} {n1}."]), (["Who has {k2}?", "Whose pet is {n2}?", "Who owns {n2}?"], [f"{q.name}.", f"{q.name} has the {k2} {n2}."]), (["What is {p}'s {x1} called?", "What is the name of the {x1}?"], [f"The {k1} is called {n1}.", f"{n1}."]),
                  (["What is {q}'s {x2} called?", "What is the name of the {x2}?"], [f"The {k2} is called {n2}.", f"{n2}."]), (["What colour is {n1}?"], [f"{n1} is {c1}.", f"{capital(c1)}."]), (["What colour is {n2}?"], [f"{n2} is {c2}.", f"{capital(c2)}."]),
                  (["What does {n1} love?", "What does the {x1} like to eat?"], [f"{n1} loves {food}.", f"{capital(food)}."]), (["Where does {n2} sleep?", "Where does the {x2} sleep?"], [f"{n2} sleeps {place}.", f"{capital(place)}."]), (["What kind of animal is {n1}?"], [f"{n1} is {a(k1)}."]), (["What kind of animal is {n2}?"], [f"{n2} is {a(k2)}."])], \
        [f"How old is {n1}?", f"What does {n2} eat?", f"Where does {p.name} live?", f"Where does {n1} sleep?"], f"{p.name} has {a(k1)} called {n1}, and {q.name} has {a(k2)} called {n2}.", {"p": p.name, "q": q.name, "k1": a(k1), "k2": a(k2), "x1": k1, "x2": k2, "n1": n1, "n2": n2}


def day_plan(random):
    p = Person(random)
    acts = random.sample(["feeds the hens", "reads the paper", "goes for a run", "eats breakfast", "takes the bus to work", "buys bread", "calls her mother", "plays the piano", "waters the plants", "walks the dog", "has lunch", "writes letters", "takes a nap", "cooks soup"], 4)
    acts = [x.replace("her ", p.her + " ") for x in acts]
    hours = sorted(random.sample(range(6, 21), 4))
    show = lambda h: f"{h} am" if h < 12 else "noon" if h == 12 else f"{h - 12} pm"
    text = f"At {show(hours[0])} {p.name} {acts[0]}. At {show(hours[1])} {p.she} {acts[1]}. {p.She} {acts[2]} at {show(hours[2])}, and at {show(hours[3])} {p.she} {acts[3]}."
    base = lambda act: base_form(act)
    qs = []
    for h, act in zip(hours, acts):
        qs += [([f"What does {p.name} do at {show(h)}?", f"What happens at {show(h)}?"], [f"At {show(h)} {p.name} {act}.", f"{p.She} {act}."]), ([f"When does {p.name} {base(act)}?", f"At what time does {p.she} {base(act)}?"], [f"{p.name} {act} at {show(h)}.", f"At {show(h)}."])]
    qs += [([f"What does {p.name} do first?", "What comes first?"], [f"First {p.name} {acts[0]}."]), ([f"What does {p.name} do last?", "What is the last thing?"], [f"Last of all {p.name} {acts[3]}."]), ([f"What does {p.name} do after {p.she} {acts[0]}?"], [f"Then {p.she} {acts[1]}."])]
    return text, qs, [f"When does {p.name} go to bed?", f"How old is {p.name}?", f"What is the name of {p.name}'s street?"], f"The text tells what {p.name} does in the course of a day.", {}


BASE = {"goes": "go", "has": "have", "takes": "take", "buys": "buy", "plays": "play", "walks": "walk", "waters": "water", "writes": "write", "cooks": "cook", "calls": "call", "reads": "read", "eats": "eat", "feeds": "feed"}


def base_form(act):
    first, rest = act.split(" ", 1)
    return BASE[first] + " " + rest


def work(random):
    p, q = two(random)
    firm, n, made = random.choice(["Northlight", "Bluefin", "Oakwell", "Sunrise", "Kestrel", "Marlow", "Tidewater", "Pinecone"]), random.randint(5, 400), random.choice(["bicycles", "lamps", "shoes", "chairs", "boats", "clocks", "toys", "kites", "soap", "pianos"])
    year, city, price = random.randint(1900, 2020), random.choice(CITIES), random.randint(1, 40) * 10
    text = f"The company {firm} makes {made}. {p.name} {p.surname} started it in {city} in {year}. Today {n} people work there, and {q.name} {q.surname} is the head. Next year the firm wants to open a second factory."
    return text, [(["What does {f} make?", "What does the company make?", "Which things does {f} sell?"], [f"{firm} makes {made}.", f"{capital(made)}."]), (["Who started {f}?", "Who founded the company?"], [f"{p.name} {p.surname} started it.", f"{p.name} {p.surname}."]), (["When was {f} started?", "In which year was the company founded?"], [f"It was started in {year}.", f"In {year}."]),
                  (["Where was {f} started?", "In which city was the company founded?"], [f"It was started in {city}.", f"In {city}."]), (["How many people work at {f}?", "How many workers are there?", "How many people work there?"], [f"{n} people work there.", f"{n}."]), (["Who is the head of {f}?", "Who leads the company today?", "Who is the boss?"], [f"{q.name} {q.surname} is the head.", f"{q.name} {q.surname}."]),
                  (["What does the firm want to do next year?", "What are the plans for next year?"], ["It wants to open a second factory."])], [f"How much does {firm} earn?", "Where will the second factory be?", f"How old is {q.name} {q.surname}?"], f"{firm}, founded in {city} in {year}, makes {made} and has {n} workers.", {"f": firm}


def garden(random):
    p = Person(random)
    g, f, n = random.choice(["tomatoes", "beans", "pumpkins", "carrots", "potatoes", "onions", "peas"]), random.choice(["roses", "tulips", "sunflowers", "lilies", "daisies"]), random.randint(3, 30)
    wall, animal, did = random.choice(["old wall", "fence", "pond", "shed", "gate", "apple tree"]), random.choice(["A rabbit", "A goat", "A deer", "A snail", "A hen", "A mole"]), random.choice(["ate all the", "dug up the", "stepped on the"])
    built = random.choice(["a fence", "a small wall", "a scarecrow", "a wooden box"])
    text = f"{p.name} grows {g} and {f} in {p.her} garden. There are {n} {f} by the {wall}. In spring {animal.lower()} came in the night and {did} {g}. So {p.name} built {built}."
    return text, [(["What does {p} grow?", "What grows in the garden?"], [f"{p.name} grows {g} and {f}.", f"{capital(g)} and {f}."]), (["How many {f} are there?"], [f"There are {n} {f}.", f"{n}."]), (["Where are the {f}?", "Where do the {f} grow?"], [f"The {f} are by the {wall}.", f"By the {wall}."]),
                  (["Which animal came in the night?", "What came into the garden?", "Who did the harm?"], [f"{animal} came in the night.", f"{animal}."]), (["What happened to the {g}?", "What did the animal do?"], [f"{animal} {did} {g}."]), (["What did {p} build?", "What did {p} do about it?"], [f"{p.name} built {built}.", f"{capital(built)}."]), (["Why did {p} build {b}?"], [f"Because {animal.lower()} {did} {g}."]), (["When did the animal come?"], ["In spring, in the night.", "It came in the night, in spring."])], \
        [f"How big is the garden?", f"What colour are the {f}?", f"Who helped {p.name}?", f"How old is {p.name}?"], f"{animal} {did} {g} in {p.name}'s garden, so {p.she} built {built}.", {"p": p.name, "f": f, "g": g, "b": built}


def school(random):
    p, q = two(random)
    subj, room, day, pupils = random.choice(SUBJECTS), random.randint(1, 60), random.choice(DAYS[:5]), random.randint(12, 32)
    test, best = random.choice(DAYS[:5]), random.choice([n for n in NAMES if n not in (p.name, q.name)])
    text = f"{p.title} {p.surname} teaches {subj} in room {room}. There are {pupils} pupils in the class. The lesson is on {day}. {best} is the best pupil, and {q.name} is new this year. There will be a test next {test}."
    return text, [(["What does {t} teach?", "Which subject is it?", "Which subject does the teacher teach?"], [f"{p.title} {p.surname} teaches {subj}.", f"{capital(subj)}."]), (["Who teaches {s}?", "Who is the teacher?"], [f"{p.title} {p.surname} teaches {subj}.", f"{p.title} {p.surname}."]), (["In which room is the lesson?", "Where is the lesson?", "What is the room number?"], [f"It is in room {room}.", f"Room {room}."]),
                  (["How many pupils are there?", "How big is the class?", "How many children are in the class?"], [f"There are {pupils} pupils.", f"{pupils}."]), (["When is the lesson?", "On which day is the lesson?"], [f"The lesson is on {day}.", f"On {day}."]), (["Who is the best pupil?"], [f"{best} is the best pupil.", f"{best}."]), (["Who is new?", "Which pupil is new this year?"], [f"{q.name} is new.", f"{q.name}."]), (["When is the test?", "On which day is the test?"], [f"The test is next {test}.", f"Next {test}."])], \
        [f"How old is {best}?", "How long is the lesson?", "Which book do they use?"], f"{p.title} {p.surname} teaches {subj} to {pupils} pupils in room {room}.", {"t": f"{p.title} {p.surname}", "s": subj}


CAUSES = table("""forgot the umbrella|got wet on the way home|an umbrella
missed the bus|came late to school|a bus
left the window open|found snow on the carpet|a window
ate too much cake|had a stomach ache|cake
did not sleep all night|fell asleep at work|sleep
forgot the cake in the oven|had only black crumbs for dessert|a cake
lost the house key|had to climb in through the window|a key
worked hard all year|won the first prize|work
fed the birds in winter|had many friends in the garden in spring|birds
did not look at the map|drove to the wrong town|a map
broke a leg|could not play in the final|a leg
saved every coin|could buy a bicycle in summer|coins
watered the plant too much|found the leaves brown and soft|a plant
left the gate open|had to look for the sheep all day|a gate
practised every evening|played the song without a mistake|music
wore thin shoes in the snow|caught a cold|shoes
told the truth|was forgiven at once|the truth
had no money left|walked home instead of taking a taxi|money
heard a noise in the attic|went up with a torch and found an owl|a noise
put salt in the tea instead of sugar|poured it into the sink|tea""")


def cause(random):
    p, q = two(random)
    (c1, r1, t1), (c2, r2, t2) = random.sample(CAUSES, 2)
    text = random.choice([f"{p.name} {c1}, so {p.she} {r1}. {q.name} {c2}, and that is why {q.she} {r2}.", f"{p.name} {r1} because {p.she} {c1}. {q.name} {c2}, so {q.she} {r2}."])
    base = lambda r: f"What happened to {r.name}?"
    return text, [([f"Why was it that {p.name} {r1}?", f"What is the reason that {p.name} {r1}?", f"{p.name} {r1}. Why?"], [f"Because {p.she} {c1}.", f"{p.name} {c1}."]), ([f"Why was it that {q.name} {r2}?", f"{q.name} {r2}. Why?"], [f"Because {q.she} {c2}.", f"{q.name} {c2}."]),
                  ([base(p), f"What was the result for {p.name}?"], [f"{p.name} {r1}.", f"{p.She} {c1}, so {p.she} {r1}."]), ([base(q)], [f"{q.name} {r2}.", f"{q.She} {c2}, so {q.she} {r2}."]), ([f"Who {c1}?"], [f"{p.name}.", f"{p.name} {c1}."]), ([f"Who {c2}?"], [f"{q.name}.", f"{q.name} {c2}."]), ([f"Who {r2}?"], [f"{q.name}.", f"{q.name} {r2}."])], \
        [f"How old is {p.name}?", f"Where does {q.name} live?", f"Who helped {p.name}?"], f"{p.name} {c1}, and {q.name} {c2}.", {}


def order(random):
    names = random.sample(NAMES, 3)
    more, most, least = random.choice([("taller", "tallest", "shortest"), ("older", "oldest", "youngest"), ("faster", "fastest", "slowest"), ("stronger", "strongest", "weakest"), ("richer", "richest", "poorest"), ("heavier", "heaviest", "lightest"), ("louder", "loudest", "quietest")])
    x, y, z = names
    text = random.choice([f"{x} is {more} than {y}. {y} is {more} than {z}.", f"{y} is {more} than {z}, but {x} is {more} than {y}.", f"{x} is {more} than {y}, and {y} is {more} than {z}."])
    return text, [([f"Who is the {most}?", f"Which of the three is the {most}?"], [f"{x} is the {most}.", f"{x}."]), ([f"Who is the {least}?", f"Which of them is the {least}?"], [f"{z} is the {least}.", f"{z}."]), ([f"Is {x} {more} than {z}?"], [f"Yes, {x} is {more} than {z}."]), ([f"Is {z} {more} than {y}?"], [f"No, {y} is {more} than {z}."]), ([f"Who is in the middle?"], [f"{y} is in the middle."])], \
        [f"How old is {y}?", f"Where does {x} live?"], f"{x} is the {most} and {z} the {least} of the three.", {}


def moves(random):
    p, q = two(random)
    thing = random.choice(["ball", "book", "apple", "key", "cup", "letter", "lamp", "hat"])
    r1, r2, r3 = random.sample(["kitchen", "garden", "hall", "bedroom", "office", "bathroom", "garage", "cellar"], 3)
    text = f"{p.name} took the {thing} from the {r1} to the {r2}. {q.name} went to the {r3}. " + random.choice([f"Then {p.name} went back to the {r1}.", f"Then {q.name} carried the {thing} from the {r2} to the {r3}."])
    at = r3 if "carried" in text else r2
    return text, [([f"Where is the {thing} now?", f"Where is the {thing}?"], [f"The {thing} is in the {at}.", f"In the {at}."]), ([f"Where was the {thing} at first?", f"Where was the {thing} at the beginning?"], [f"It was in the {r1}.", f"In the {r1}."]), ([f"Where is {q.name}?"], [f"{q.name} is in the {r3}."]), ([f"Who took the {thing} from the {r1}?"], [f"{p.name} took it.", f"{p.name}."])], \
        [f"What colour is the {thing}?", f"Why did {q.name} go to the {r3}?"], f"The {thing} is now in the {at}.", {}


def letter(random):
    p, q = two(random)
    day, sent, place = f"{random.randint(1, 28)} {random.choice(MONTHS)}", random.randint(1850, 2024), random.choice(CITIES)
    lost, wants = random.choice(THINGS)[0], random.choice(["come home soon", "write back", "visit in spring", "send a photo", "wait for the train", "keep the dog", "sell the boat", "water the roses", "bring the violin", "stay until Sunday"])
    rel = random.choice(["aunt", "sister", "niece", "cousin"] if q.girl else ["uncle", "brother", "nephew", "cousin"])
    text = random.choice([f"On {day} {sent} {p.name} wrote a letter from {place} to {p.her} {rel} {q.name}. In it lay a small {lost}. {p.name} asked {q.name} to {wants}.",
                          f"A letter of {day} {sent}: {p.name} wrote it in {place}, and it went to {p.her} {rel} {q.name}. A small {lost} lay in it. {p.name} asked {q.name} to {wants}."])
    return text, [(["Who wrote the letter?", "Who is the writer of the letter?", "From whom is the letter?", "Who sent it?"], [f"{p.name} wrote the letter.", f"{p.name}."]), (["To whom did {p} write?", "Who got the letter?", "Who is the letter for?", "Who received it?"], [f"{q.name} got the letter.", f"{p.Her} {rel} {q.name}."]),
                  (["When was the letter written?", "What is the date of the letter?", "On which day did {p} write?"], [f"It was written on {day} {sent}.", f"On {day} {sent}."]), (["Where was the letter written?", "From which city does the letter come?", "Where was {p}?"], [f"It was written in {place}.", f"In {place}."]),
                  (["What lay in the letter?", "What was in the envelope?", "What came with the letter?"], [f"A small {lost} lay in it.", f"A small {lost}."]), (["What did {p} ask {q} to do?", "What should {q} do?", "What does {p} want?"], [f"{p.name} asked {q.name} to {wants}.", f"{q.name} should {wants}."]), (["Who is {q}?", "How is {q} related to {p}?"], [f"{q.name} is {p.name}'s {rel}."])], \
        [f"How old is {q.name}?", "What did the stamp cost?", f"Did {q.name} answer?", f"What is {p.name}'s surname?"], f"{p.name} wrote to {p.her} {rel} {q.name} from {place} and asked {q.obj} to {wants}.", {"p": p.name, "q": q.name}


def museum(random):
    what, city = random.choice(["clock museum", "toy museum", "railway museum", "castle", "zoo", "botanical garden", "sea museum", "art gallery", "salt mine", "open-air pool", "glass museum", "bread museum", "music museum", "lighthouse"]), random.choice(CITIES + VILLAGES)
    first = random.randrange(0, 8)
    opens, closes = MONTHS[first], MONTHS[random.randrange(first + 2, 12)]
    h, c, shut = random.randint(8, 11), random.randint(4, 9), random.choice(DAYS)
    adult = random.randint(5, 25)
    child = random.randint(1, adult - 1)
    year, show = random.randint(1850, 2015), random.choice(PLURALS)
    text = f"The {what} in {city} is open from {opens} to {closes}, every day but {shut}, from {h} am to {c} pm. Adults pay {adult} euros and children {child}. It was opened in {year}. You can see {random.randint(2, 90) * 100} {show} there."
    count = text.split("see ")[1].split(" ")[0]
    return text, [(["When does the {w} open in the year?", "In which month does it open?", "What is the first open month?", "From which month is it open?"], [f"It opens in {opens}.", f"In {opens}."]), (["Until which month is the {w} open?", "What is the last open month?"], [f"It is open until {closes}.", f"Until {closes}."]), (["During which months is it open?", "In what months can I visit?"], [f"It is open from {opens} to {closes}.", f"From {opens} to {closes}."]),
                  (["On which day is the {w} closed?", "When is it shut?", "On what day can I not go?"], [f"It is closed on {shut}.", f"On {shut}."]), (["At what time does it open?", "When does it open in the morning?"], [f"It opens at {h} am.", f"At {h} am."]), (["At what time does it close?", "When does it close in the evening?", "How late is it open?"], [f"It closes at {c} pm.", f"At {c} pm."]),
                  (["What do adults pay?", "How much is it for an adult?", "What does a ticket for adults cost?"], [f"Adults pay {adult} euros.", f"{adult} euros."]), (["What do children pay?", "How much is it for a child?", "What does a child's ticket cost?"], [f"Children pay {child} euro{'s' if child > 1 else ''}.", f"{child} euro{'s' if child > 1 else ''}."]), (["When was the {w} opened?", "Since which year does it exist?"], [f"It was opened in {year}.", f"In {year}."]),
                  (["What can you see there?", "What is there to see?"], [f"You can see {count} {show} there.", f"{count} {show}."]), (["Where is the {w}?", "In which town is it?"], [f"It is in {city}.", f"In {city}."])], \
        ["Is there a cafe?", "Where can I park?", "Who founded it?", "May I bring my dog?", "What does a group pay?"], f"The {what} in {city} is open from {opens} to {closes} and costs {adult} euros for adults.", {"w": what}


def race(random):
    names = random.sample(NAMES, random.choice([3, 4]))
    x, y, z = names[:3]
    what = random.choice(["running race", "swimming race", "bike race", "boat race", "ski race", "sack race", "horse race", "rowing race"])
    rank = [x, y, z]
    text = f"In the {what} {x} was first for a long time, with {y} behind and {z} in third place. "
    draw = random.randrange(3)
    if draw == 0:
        text += f"Shortly before the end {y} passed {x}. Nothing else changed."
        rank = [y, x, z]
    elif draw == 1:
        text += f"But {x} fell and came in last of the three."
        rank = [y, z, x]
    else:
        text += f"Near the end {z} passed both of them and won."
        rank = [z, x, y]
    first, second, third = rank
    return text, [(["Who won?", "Who won the race?", "Who was the winner?", "Who came first at the end?", "Who finished first?"], [f"{first} won.", f"{first} won the race.", f"{first}."]), (["Who came second?", "Who finished in second place?", "Who was second at the end?"], [f"{second} came second.", f"{second}."]), (["Who came third?", "Who finished last of the three?", "Who was third at the end?"], [f"{third} came third.", f"{third}."]),
                  (["Who led at first?", "Who was first for a long time?", "Who was in front before the change?"], [f"{x} was first for a long time.", f"{x}."]), (["What kind of race was it?", "Which race is it about?"], [f"It was a {what}.", f"A {what}."]), (["In which order did they finish?", "What is the result?", "Give me the final order."], [f"{first}, {second}, {third}."])], \
        ["How long was the race?", f"How old is {x}?", "What was the prize?", "Where was the race?"], f"{first} won the {what}, ahead of {second} and {third}.", {}


def biography(random):
    p, q = Person(random), random.choice(NAMES)
    while q == p.name:
        q = random.choice(NAMES)
    c1, c2, c3 = random.sample(CITIES, 3)
    born = random.randint(1750, 1930)
    moved, work, died = born + random.randint(16, 24), born + random.randint(28, 40), born + random.randint(55, 90)
    job, made = random.choice([("painter", "The Blue Bridge"), ("painter", "Snow at Noon"), ("writer", "The Last Ferry"), ("writer", "A House of Salt"), ("composer", "Song of the Mill"), ("composer", "Evening Waltz"), ("architect", "the Glass Tower"), ("architect", "the Round Library"), ("engineer", "the Swan Bridge"), ("poet", "Leaves of Rain"), ("inventor", "a new kind of lamp"), ("explorer", "a map of the north coast")])
    full = f"{p.name} {p.surname}"
    text = f"{full} was born in {c1} in {born}. In {moved} {p.she} moved to {c2} and became {a(job)}. {p.Her} best-known work, {made}, dates from {work}. {p.She} married {q} and died in {c3} in {died}."
    return text, [(["Where was {n} born?", "In which city was {p} born?", "What is the birthplace of {n}?"], [f"{p.name} was born in {c1}.", f"In {c1}."]), (["When was {n} born?", "In which year was {p} born?", "What is {p}'s year of birth?"], [f"{p.name} was born in {born}.", f"In {born}."]), (["Where did {n} move?", "To which city did {p} move in {m}?"], [f"{p.She} moved to {c2}.", f"To {c2}."]),
                  (["When did {p} move to {c2}?", "In what year did {p} come to {c2}?"], [f"{p.She} moved there in {moved}.", f"In {moved}."]), (["What was {n}'s job?", "What was {p} by profession?", "What did {p} become?"], [f"{p.name} was {a(job)}.", f"{capital(a(job))}."]), (["What is {p}'s best-known work?", "Which work made {p} known?", "What is {n} famous for?"], [f"{p.Her} best-known work is {made}.", f"{capital(made)}."]),
                  (["When was it made?", "From which year is {p}'s best-known work?"], [f"It dates from {work}.", f"In {work}."]), (["Where did {n} die?", "In which city did {p} die?", "What is {p}'s place of death?"], [f"{p.name} died in {c3}.", f"In {c3}."]), (["When did {n} die?", "In which year did {p} die?"], [f"{p.name} died in {died}.", f"In {died}."]), (["Whom did {p} marry?", "Who was {p} married to?"], [f"{p.name} married {q}.", f"{q}."])], \
        [f"How many children did {p.name} have?", f"Which school did {p.name} go to?", f"What was {p.name}'s mother called?", f"How tall was {p.name}?"], f"{full}, born in {c1} in {born}, was {a(job)}, known for {made}.", {"n": full, "p": p.name, "c2": c2, "m": str(moved)}


def jars(random):
    box, boxes = random.choice([("jar", "jars"), ("box", "boxes"), ("bag", "bags"), ("drawer", "drawers"), ("tin", "tins"), ("basket", "baskets"), ("crate", "crates"), ("cup", "cups")])
    k = random.choice([3, 3, 4])
    colours, things = random.sample([c for c in COLOURS if c[0] not in "aeiou"], k), random.sample(PLURALS, k)
    where = random.choice(["on a shelf", "on the table", "in the cellar", "in the kitchen", "behind the door", "under the bench"])
    said = [random.choice([f"The {c} {box} holds {t}", f"In the {c} {box} there are {t}", f"The {t} are in the {c} {box}"]) for c, t in zip(colours, things)]
    text = f"{capital(words(k))} {boxes} stand {where}. " + ". ".join(said) + "."
    qs = []
    for c, t in zip(colours, things):
        qs += [([f"What is in the {c} {box}?", f"What does the {c} {box} hold?", f"What will I find in the {c} {box}?", f"{c} {box}: what is in it?"], [f"There are {t} in the {c} {box}.", f"{capital(t)}."]), ([f"Where are the {t}?", f"In which {box} are the {t}?", f"Where do I find the {t}?", f"I need the {t}. Where are they?"], [f"The {t} are in the {c} {box}.", f"In the {c} {box}."]), ([f"Which {box} holds the {t}?", f"I want the {t}. Which {box} do I open?", f"What colour is the {box} with the {t}?"], [f"The {c} {box}.", f"The {c} {box} holds the {t}."])]
    qs += [([f"How many {boxes} are there?", f"How many {boxes} does the text name?"], [f"There are {words(k)} {boxes}.", f"{capital(words(k))}."]), ([f"Where do the {boxes} stand?", f"Where are the {boxes}?"], [f"They stand {where}.", f"{capital(where)}."])]
    other = random.choice([t for t in PLURALS if t not in things])
    return text, qs, [f"Where are the {other}?", f"Who put the {things[0]} there?", f"How heavy is the {colours[0]} {box}?"], f"{capital(words(k))} {boxes} hold {listed(things)}.", {}


def river(random):
    names = [v + "a" for v in "Alder Brenn Cald Dov Esk Fern Lun Moss Nid Rill Tarn Wend Ister Sar Val Mer Od Tess Kor Bel".split()]
    name, second = random.sample(names, 2)
    hills, sea = random.choice(["the Grey Hills", "the Elm Mountains", "the High Moor", "the Black Forest of Norr", "the Snow Peaks", "the Western Hills", "Mount Arran", "the Red Plateau"]), random.choice(["the North Sea", "the Baltic Sea", "the Black Sea", "Lake Orla", "the Atlantic Ocean", "the Bay of Sund", "Lake Mirren", "the River " + second])
    long, t1, t2 = random.randint(20, 990), *random.sample(VILLAGES, 2)
    fish = random.choice(["trout", "salmon", "eels", "pike", "carp"])
    text = random.choice([f"The River {name} rises in {hills} and flows into {sea}.", f"The source of the River {name} is in {hills}. It flows into {sea}."]) + f" It is {long} km long and passes through {t1} and {t2}. There are many {fish} in its water."
    return text, [(["Where does the {r} rise?", "Where is the source of the {r}?", "Where does the river begin?", "In which hills or mountains does it start?"], [f"It rises in {hills}.", f"In {hills}."]), (["Where does the {r} flow to?", "What does the {r} flow into?", "Where does the river end?", "Into which water does it flow?"], [f"It flows into {sea}.", f"Into {sea}."]), (["How long is the {r}?", "What is the length of the river?", "How many kilometres long is it?"], [f"It is {long} km long.", f"{long} km."]),
                  (["Which towns does the {r} pass?", "Through which towns does it flow?", "What towns lie on the river?"], [f"It passes through {t1} and {t2}.", f"{t1} and {t2}."]), (["Which fish live in the {r}?", "What fish are there?"], [f"There are many {fish} in it.", f"{capital(fish)}."]), (["What is the name of the river?", "Which river is it about?"], [f"It is the River {name}.", f"The River {name}."])], \
        ["How deep is the river?", "How many bridges are there?", "Who named the river?", "How wide is it?"], f"The River {name} flows {long} km from {hills} into {sea}.", {"r": name}


def found(random):
    p, q = two(random)
    thing, at, day = random.choice(THINGS)[0], random.choice(["in the park", "at the bus stop", "on the beach", "in the snow", "behind the church", "on the stairs", "near the pond", "under a bench", "in the cinema", "on a wall", "at the market", "in the forest"]), random.choice(DAYS)
    colour, reward = random.choice([c for c in COLOURS if c[0] not in "aeiou"]), random.choice(FOODS)
    lostat = random.choice(["on the train", "on a walk", "at school", "at a party", "in a taxi", "during the storm"])
    text = f"{p.name} lost {a(colour)} {thing} {lostat}. On {day} {q.name} found it {at} and brought it to {p.name}. {p.name} was so glad that {p.she} gave {q.name} {reward}."
    return text, [(["What did {p} lose?", "What was lost?", "Which thing was missing?"], [f"{p.name} lost {a(colour)} {thing}.", f"{capital(a(colour))} {thing}."]), (["Who lost the {t}?", "Whose {t} was it?", "Who had lost something?"], [f"{p.name} lost it.", f"{p.name}."]), (["Who found the {t}?", "Who found it?", "Who was the finder?"], [f"{q.name} found it.", f"{q.name}."]), (["Where was the {t} found?", "Where did {q} find it?"], [f"{q.name} found it {at}.", f"{capital(at)}."]),
                  (["Where was the {t} lost?", "Where did {p} lose it?"], [f"{p.name} lost it {lostat}.", f"{capital(lostat)}."]), (["When was it found?", "On which day did {q} find it?"], [f"It was found on {day}.", f"On {day}."]), (["What did {q} get?", "What did {p} give to {q}?", "What was the reward?"], [f"{q.name} got {reward}.", f"{capital(reward)}."]), (["What colour was the {t}?"], [f"It was {colour}.", f"{capital(colour)}."]), (["How did {p} feel?"], [f"{p.name} was very glad."])], \
        [f"How old is {q.name}?", f"What did the {thing} cost?", f"Where does {p.name} live?", "What was the weather like?"], f"{q.name} found the {colour} {thing} that {p.name} had lost {lostat}.", {"p": p.name, "q": q.name, "t": thing}


def notice(random):
    what, day = random.choice(["market", "concert", "meeting", "flea market", "sports day", "choir practice", "book sale", "film evening", "dance class", "picnic", "cookery course", "swimming lesson"]), random.choice(DAYS)
    h, m, place = random.randint(8, 20), random.choice(["00", "15", "30", "45"]), random.choice(["the town hall", "the school yard", "the old barn", "the library", "the village green", "room 12", "the sports hall", "the church garden", "the harbour"])
    cost, who, bring = random.randint(2, 30), Person(random), random.choice(["a cup", "a warm coat", "a pen", "a chair", "a towel", "your own lunch", "good shoes", "a friend"])
    text = random.choice([f"Notice: the {what} is on {day} at {h}:{m} in {place}. It costs {cost} euros. Please bring {bring}. Ask {who.title} {who.surname} if you have questions.", f"{capital(what)}! {day}, {h}:{m}, {place}. Tickets: {cost} euros. Bring {bring}. Contact: {who.title} {who.surname}."])
    return text, [(["When is the {w}?", "On which day and at what time is it?", "What day is the {w}?"], [f"It is on {day} at {h}:{m}.", f"On {day} at {h}:{m}."]), (["At what time does the {w} start?", "What time is it?"], [f"It starts at {h}:{m}.", f"At {h}:{m}."]), (["Where is the {w}?", "Where does it take place?", "In what place is it?"], [f"It is in {place}." if place != "the harbour" and place != "the village green" else f"It is at {place}."]),
                  (["What does it cost?", "How much is the {w}?", "What is the price?"], [f"It costs {cost} euros.", f"{cost} euros."]), (["What should I bring?", "What do people have to bring?", "What must I take with me?"], [f"Bring {bring}.", f"You should bring {bring}."]), (["Whom can I ask?", "Who answers questions?", "Who is the contact?"], [f"You can ask {who.title} {who.surname}.", f"{who.title} {who.surname}."]), (["What is the notice about?", "What is announced?"], [f"It is about the {what}.", f"The {what}."])], \
        ["How many people will come?", "Is there food?", "Who pays for the room?", "When does it end?"], f"The {what} is on {day} at {h}:{m} in {place} and costs {cost} euros.", {"w": what}


MAKERS = [letter, museum, race, biography, jars, river, found, notice, letter, race, jars, cause, order, moves, visit, lost, shop, life, colours, trip, prices, mail, three_people, village, pets, day_plan, work, garden, school]
FRAMES = ["{p} {q}", "{p}\n\n{q}", "Text: {p}\nQuestion: {q}", "Read this: {p}\n\n{q}", "{q}\n\n{p}", 'Here is a text: "{p}" {q}', '"{p}" {q}', "Passage: {p}\n\n{q}", "Read the text and answer. {p} {q}", "{q} Text: {p}", 'Answer from the text: "{p}"\n{q}', "Please read: {p} {q}", "I have this text: {p} {q}", "{q} {p}", "Context: {p}\n\n{q}", "Use this text: {p}\n{q}", "{p} Question: {q}", "Here's a short story. {p} {q}",
          'Tell me from this text: "{p}" {q}', "Look at this: {p} {q}", "In this text, {q2} {p}", "According to this text: {p} {q}", "My text: {p} My question: {q}",
          "Read this and tell me: {q2} {p}", "{q}\n\nText: {p}", "I read this: {p} {q}", "In the paper it says: {p} {q}", "From my notes: {p}\n{q}", "{p}\nNow tell me: {q2}", "{p} - {q}", "Help me with this text. {p} {q}", "Look for the answer in this text: {p}\n\nThe question: {q}", "'{p}' {q}", '{q} "{p}"', "{q} It says: {p}", "Find the answer. Text: {p} Question: {q}",
          "My teacher gave us this: {p} {q}", "Someone wrote: {p} {q}", '"{p}"\n\n{q}', "Question: {q}\nText: {p}", "Question: {q} Context: {p}", "Story: {p} {q}", "{p} Can you tell me: {q2}", "> {p}\n\n{q}", "Based on this, {q2} {p}", "Q: {q} Text: {p}", "{p}\n\nQ: {q}"]
FRAMES += ["According to the passage below, {q2}\n\n{p}", "{p}\n\nAccording to the passage, {q2}", "According to the text, {q2}\n{p}", "### Text\n{p}\n\n### Question\n{q}", "Passage:\n{p}\n\nQuestion:\n{q}\n\nAnswer:", "Text: {p}\n\nQuestion: {q}\nAnswer:", "Read the following text and answer the question.\n\n{p}\n\n{q}", "Read the passage and answer: {q}\n\n{p}", "Article: {p}\nQ: {q}\nA:", "“{p}” {q}",
               "Given this text: \"{p}\" {q}", "I got this message: \"{p}\" {q}", "This is what it says: {p} So {q2}", "{q} Here is the text: {p}", "Please answer from the passage only. {p} {q}", "Here is some information. {p} {q}", "The text says: {p} {q}", "Consider this: {p}\n{q}", "Reading exercise.\n{p}\n\n{q}", "{p}\n\n---\n{q}", "read this and answer: {p} {q}", "\"\"\"{p}\"\"\"\n{q}", "Can you read this for me? {p} {q}", "Text:\n{p}\n\n{q}", "From the paragraph, {q2}\n\n{p}",
               "My mail says: {p}\n{q}", "The sign says: {p} {q}", "With the help of this text, answer: {q}\n{p}", "Only use this text. {p} {q}", "Information: {p}\n\nWhat I want to know: {q}"]
GIVEN = ["Please read this text: {p}", "Here is a text. {p}", "{p}", "Read this: {p}", "I will ask you about this: {p}", "Text: {p}", "Remember this text: {p}", "I'll paste a text, then ask. {p}", "Take a look at this: {p}", "{p} I will have questions.", "Please keep this text in mind: {p}", "My friend wrote this: {p}", "First read this. {p}", '"{p}"', "Here it is: {p}", "This is from a book: {p}", "Note: {p}"]
READ = ["All right. What would you like to know?", "I have read it. What is your question?", "Okay, ask me about it.", "Read. What do you want to know?", "Thanks, I have read it.", "I have read the text. Ask away.", "All right, I know it now. What is the question?", "Got it. What would you like to know about it?"]
SUMMARISE = ["Summarise this in one sentence.", "Sum up the text.", "What is this text about?", "Give me a short summary.", "Summarize: what is it about?", "Say it in one sentence.", "Make it shorter.", "What is the main point?", "tl;dr", "Shorten this to one sentence.", "Can you summarise it?", "What does the text tell us, in one sentence?", "One sentence, please: what does it say?", "Put it in a nutshell.", "What happens in this text?", "Sum it up in a single sentence.", "The gist, please.", "In short, what does it say?", "Write a one-line summary.", "Boil it down to one sentence."]


def question(random, made):
    """A question about a text, and its answer."""
    text, questions, open_, gist, values = made
    draw = random.random()
    if draw < 0.10:
        return random.choice(open_), random.choice(UNKNOWN)
    if draw < 0.17:
        return random.choice(SUMMARISE), gist
    forms, answers = random.choice(questions)
    forms = [f for f in forms if not f.endswith("|")]
    return random.choice(forms).format(**values), random.choice(answers[:1] * 2 + answers)


def given_first(random, other, text, q, r, between):
    """A text in one message and the question in a later one; between is how often something else comes before that."""
    turns = [(random.choice(GIVEN).format(p=text), random.choice(READ)), (styled(random, q), r)]
    while random.random() < between:
        turns[1:1] = other(random)
    return turns


def asked_on(random, turns, q, question, share=0.5, most=5):
    """The turns, whose last asks q, and more questions about the same text, `most` in all; question() draws one and its answer."""
    seen = {q}
    while random.random() < share and len(seen) < most:
        q, r = question()
        if q not in seen:
            turns.append((styled(random, q), r))
        seen.add(q)
    return turns


def reading(random, other):
    """A text and one to four questions about it."""
    made = random.choice(MAKERS)(random)
    text = made[0]
    q, r = question(random, made)
    if random.random() < 0.3:
        turns = given_first(random, other, text, q, r, 0.25)
    else:
        if random.random() < 0.25:
            q = q.lower() if random.random() < 0.5 else q.rstrip("?.")
        turns = [(random.choice(FRAMES).format(p=text, q=q, q2=q[0].lower() + q[1:]), r)]
    return asked_on(random, turns, q, lambda: question(random, made))


GOOD = """I love this {x}.|The {x} was wonderful.|What a great {x}!|The {x} is really good, I am very happy with it.|Best {x} ever.|The {x} works perfectly.|I had a lovely time. The {x} was great.|I am so glad I bought this {x}.|A fantastic {x}, five stars.|My children adore the {x}.|The {x} was delightful and the staff were kind.
I would buy this {x} again at once.|Everyone should try this {x}.|I could not be happier with the {x}.|The {x} was worth every cent.|What a lovely {x}, thank you!|The {x} made us all smile.|I tell all my friends about this {x}.|A perfect {x} for the whole family.|The {x} is simply beautiful.|I laughed and felt great all through the {x}.|Well made and kind service: I like this {x}.|This {x} made my day.|Excellent {x}, friendly people.|I enjoyed the {x} very much.|The {x} is even better than I hoped.""".replace("\n", "|").split("|")
BAD = """I hate this {x}.|The {x} was terrible.|What a bad {x}!|The {x} broke after one day.|Worst {x} ever.|The {x} does not work at all.|I am very unhappy with this {x}.|I want my money back for this {x}.|An awful {x}, one star.|The {x} was boring and far too long.|The {x} was a waste of money.|The {x} was dirty and the staff were rude.
Never again. The {x} was a disappointment.|I would not buy this {x} again.|What a waste, this {x}.|The {x} is far too dear for what it is.|I regret that I chose this {x}.|The {x} made me angry.|Nobody should pay for such a {x}.|This {x} is poor work.|I expected much more of this {x}.|The {x} fell apart.|I was cold, bored and tired all through the {x}.|This {x} ruined my day.|I am angry about this {x}.|The {x} is much worse than I feared.""".replace("\n", "|").split("|")
FLAT = """The shop opens at nine.|The chair is made of wood and metal.|The library is in the next street.|There is a bakery near my house.|The ticket costs ten euros.|I bought the lamp in May.|The shirt comes in three colours.|The parcel arrived on Tuesday.|The book has two hundred pages.|The meeting is on Monday.|The bus stops here every hour.|The box holds twelve eggs.|The film lasts two hours.|The road goes to the station.|The bag has two pockets.|The hotel has forty rooms.|The course starts in March.|The lamp stands on the table.|The phone is black.|The train has eight cars.""".split("|")
REVIEWED = ["film", "book", "hotel", "phone", "restaurant", "toaster", "game", "concert", "bike", "show", "lamp", "meal", "trip", "camera", "cake", "song"]
TOPICS = {"sports": ["The team won the match in the last minute.", "She ran the race in under ten seconds.", "The goalkeeper caught the ball.", "The referee gave a red card.", "She jumped higher than all the other athletes.", "Our club needs a new striker.", "The final ended three to two.", "He scored two goals on Sunday.", "The tennis player won three sets.", "The coach trained the swimmers every morning."],
          "cooking": ["Chop the onions and fry them in butter.", "Bake the cake for forty minutes.", "Add salt and let the soup simmer.", "Roll out the dough and cut it into squares.", "Season the fish with lemon and pepper.", "Whisk the cream until it is stiff.", "Grate the carrots and mix them with oil.", "Stir the eggs into the flour.", "Boil the pasta until it is soft.", "Sprinkle cheese on the pizza."],
          "weather": ["It will rain all day in the north.", "Snow is falling in the hills.", "A storm is coming from the sea.", "Light showers are expected in the evening.", "The temperature falls below zero tonight.", "A warm breeze blows from the south.", "The sun will shine tomorrow.", "Strong wind and thick fog are expected.", "Tomorrow will be cold and cloudy."],
          "music": ["The band played three new songs.", "She practises the violin every day.", "The choir sang in the old church.", "He tunes his guitar before the concert.", "The song has a fast beat.", "The pianist played a waltz.", "His new album has ten tracks.", "The orchestra needs a new drummer."],
          "health": ["Wash your hands to keep germs away.", "The doctor gave him medicine for his cough.", "The broken leg needs a cast.", "Vitamin C is found in oranges and helps the body.", "The dentist cleaned my teeth.", "Sleep helps the body to heal.", "The nurse took her temperature.", "Brush your teeth twice a day."],
          "travel": ["Our plane lands in Rome at noon.", "We booked a hotel near the beach.", "The ferry takes us across to the island.", "The guide showed us the castle.", "My suitcase was lost at the airport.", "Take the train to the old town.", "Pack your passport and a map.", "The tour goes to three islands."],
          "animals": ["The cat had four kittens.", "Wolves live in packs.", "The horse slept in its stable.", "Frogs lay their eggs in ponds.", "A squirrel hid nuts for the winter.", "The whale swam past the boat.", "A bird built its nest in the tree.", "Elephants use their trunks to drink."],
          "school": ["The teacher gave us homework.", "The bell rang and the lesson was over.", "We learned about fractions in class today.", "The pupils wrote a test in maths.", "Our class has a new timetable.", "She got a good mark in history."],
          "money": ["The bank raised its interest rate.", "He saved fifty euros a month.", "The shop cut its prices by half.", "She paid the rent with her wages."],
          "technology": ["The new laptop has a faster processor.", "Update the app to fix the bug.", "The screen of my tablet is broken.", "Download the file and open it.", "The robot can climb stairs.", "The phone needs a new battery."],
          "space": ["The rocket flew to the Moon.", "Saturn has bright rings.", "A comet crossed the sky last night.", "The probe landed on Mars.", "The telescope found a new planet.", "The astronauts floated in the station."],
          "gardening": ["Water the roses in the evening.", "Plant the bulbs in autumn.", "Pull out the weeds near the beans.", "Dig the soil before you sow the seeds."]}
FEELINGS = {"happy": ["I got the job!", "The sun is shining and I could sing all day!", "Our baby smiled at me for the first time!", "At last I can see my sister again!", "We are going on holiday tomorrow.", "My team won the cup.", "My best friend is coming to visit.", "I passed all my exams."], "sad": ["My cat died last night.", "My best friend moved away.", "I cried the whole evening.", "Grandpa's chair is empty now.", "I miss my grandmother so much.", "Nobody came to my party."],
            "angry": ["Someone scratched my car again!", "He lied to me for the third time.", "They cancelled my flight and did not even say sorry.", "My brother broke my guitar and laughed."], "afraid": ["I heard steps behind me in the dark.", "The dog growled and I could not move.", "There is a huge spider over my bed.", "The plane shook and the lights went out."],
            "surprised": ["I opened the door and all my friends were there!", "I never thought I would win.", "Suddenly a horse stood in my kitchen.", "I did not expect a letter from the king."], "tired": ["I worked all night and can hardly keep my eyes open.", "After the long walk I only want to sleep.", "I have been up since four o'clock."]}


def sorting(random, other):
    draw = random.randrange(8)
    if draw < 3:
        mood, pool = random.choice([("positive", GOOD), ("negative", BAD), ("positive", GOOD), ("negative", BAD), ("neutral", FLAT)])
        text = random.choice(pool).format(x=random.choice(REVIEWED)).strip()
        if random.random() < 0.25 and mood != "neutral":
            text += " " + random.choice(pool).format(x=random.choice(REVIEWED)).strip()
        q = random.choice(['Is this positive or negative? "{t}"', 'Positive or negative: {t}', 'What is the sentiment of "{t}"?', '"{t}" Is that positive or negative?', "Classify as positive, negative or neutral: {t}", "Sentiment? {t}", "Label it positive, negative or neutral: {t}", "positive/negative/neutral: {t}", "{t}\n\nIs this positive, negative or neutral?", "Read this and say if it is positive or negative: {t}", "What mood is in this sentence, positive or negative? {t}", "Sort this review: positive or negative? {t}", "Would you call this positive or negative? {t}", "Does this sound positive or negative? {t}", "sentiment of this text: {t}", "A customer wrote: {t} Positive or negative?", 'Is this review good or bad? "{t}"|', "Tell me if this is positive or negative: {t}", "Is the writer pleased or not? {t}|", "How does this sound, positive, negative or neutral? {t}"]).split("|")[0].format(t=text)
        return [(q, random.choice(["{M}.", "It is {m}.", "This is {m}.", "The sentiment is {m}.", "{M}"]).format(m=mood, M=capital(mood)) if "good or bad" not in q and "pleased" not in q else {"positive": "It is positive: the writer is pleased.", "negative": "It is negative: the writer is not pleased.", "neutral": "Neither: it only states a fact, so it is neutral."}[mood])]
    if draw < 5:
        topic = random.choice(list(TOPICS))
        text = random.choice(TOPICS[topic])
        others = random.sample([t for t in TOPICS if t != topic], 2)
        options = random.sample([topic] + others, 3)
        q = random.choice(['What is this about: {o}? "{t}"', "Classify this sentence as {o}: {t}", 'What is the topic of "{t}"? Choose from {c}.', "Topic ({c}): {t}", 'Is this text about {o}? "{t}"', "Which topic fits best, {o}? {t}", "{t} Does this belong to {o}?", "Label: {c}. Text: {t}", "{t}\n\nWhat is it about: {o}?", "Put this in one of these groups, {c}: {t}", "Sort this sentence into {o}: {t}", "Which of these does it belong to, {o}? {t}", "Category? ({c}) {t}", "Pick the right label: {c}. {t}"]).format(o=listed(options, "or"), c=", ".join(options), t=text)
        return [(q, random.choice(["{T}.", "It is about {t}.", "The topic is {t}.", "{T}"]).format(t=topic, T=capital(topic)))]
    if draw == 5:
        mood = random.choice(list(FEELINGS))
        text = random.choice(FEELINGS[mood])
        options = random.sample([mood] + random.sample([m for m in FEELINGS if m != mood and {m, mood} not in ({"sad", "angry"}, {"happy", "surprised"})], 2), 3)
        q = random.choice(['How does the speaker feel, {o}? "{t}"', '"{t}" Is this person {o}?', 'Which feeling is this: {o}? {t}', "Name the feeling ({c}): {t}"]).format(o=listed(options, "or"), c=", ".join(options), t=text)
        return [(q, random.choice([f"{capital(mood)}.", f"The person is {mood}.", f"The speaker feels {mood}."]))]
    if draw == 6:
        kind, text = random.choice([("question", "Where is the station?"), ("question", "Do you like tea?"), ("question", "Have you seen my dog?"), ("order", "Close the door!"), ("order", "Come here at once!"), ("order", "Put the book on the table!"), ("statement", "The train leaves at nine."), ("statement", "My sister lives in Rome."), ("statement", "Cats like milk."), ("question", "Who ate my cake?")])
        return [(random.choice(['Is "{t}" a question, a statement or an order?', "Question, statement or order: {t}", 'What kind of sentence is this? "{t}" (question, statement or order)']).format(t=text), f"It is {'an' if kind == 'order' else 'a'} {kind}.")]
    lang, text = random.choice([("French", "Bonjour, comment allez-vous?"), ("German", "Guten Morgen, wie geht es Ihnen?"), ("Spanish", "Buenos días, ¿cómo estás?"), ("Italian", "Buongiorno, come stai?"), ("English", "Good morning, how are you?"), ("French", "Je ne sais pas."), ("German", "Ich weiß es nicht."), ("Spanish", "No lo sé."), ("Italian", "Non lo so."), ("Portuguese", "Bom dia, tudo bem?"), ("Dutch", "Goedemorgen, hoe gaat het?"), ("French", "Merci beaucoup"), ("German", "Danke schön"), ("Spanish", "Muchas gracias"), ("Italian", "Grazie mille"), ("Portuguese", "Muito obrigado")])
    return [(random.choice(["What language is this? {t}", 'Which language is "{t}"?', "In which language is this written: {t}", "Name the language: {t}"]).format(t=text), random.choice([f"{lang}.", f"It is {lang}.", f"That is {lang}."]))]


def taking_out(random, other):
    """Names, numbers, dates, colours, animals out of a sentence."""
    n1, n2 = random.sample(NAMES, 2)
    c1, c2 = random.sample(CITIES, 2)
    year, day = random.randint(1900, 2025), f"{random.randint(1, 28)} {random.choice(MONTHS)}"
    num, num2 = random.sample(range(2, 99), 2)
    col, col2 = random.sample(COLOURS, 2)
    an, an2 = random.sample([p for p in PETS if p not in ("puppy", "kitten")], 2)
    th = random.choice(PLURALS)
    email = f"{n1.lower()}{random.choice(['', '.', '_'])}{random.choice(SURNAMES).lower()}@{random.choice(['example.com', 'mail.example', 'work.example.org'])}"
    food = random.choice(FOODS)
    cases = [(f"{n1} and {n2} met in {c1}.", [("names of the people", f"{n1} and {n2}"), ("name of the city", c1), ("place", c1)]), (f"On {day} {year} {n1} moved from {c1} to {c2}.", [("date", f"{day} {year}"), ("name", n1), ("cities", f"{c1} and {c2}"), ("year", str(year))]),
             (f"{n1} bought {num} {th} and {num2} postcards.", [("numbers", f"{num} and {num2}"), ("name", n1)]), (f"{n1} has {a(col)} car and {a(col2)} bike.", [("colours", f"{col} and {col2}"), ("name of the person", n1)]), (f"In {c1} {n1} saw {a(an)} and {a(an2)}.", [("animals", f"{an} and {an2}"), ("city", c1), ("name", n1)]),
             (f"Write to {n1} at {email} before {day}.", [("email address", email), ("date", day), ("name", n1)]), (f"{n1} ate {food} with {n2} on {day}.", [("names", f"{n1} and {n2}"), ("date", day), ("food", food)]), (f"The order costs {num} euros and arrives on {day}.", [("price", f"{num} euros"), ("date", day)]),
             (f"The flight from {c1} to {c2} takes {words(num % 12 + 1)} hours.", [("cities", f"{c1} and {c2}"), ("time it takes", f"{words(num % 12 + 1)} hours" if num % 12 else "one hour")]), (f"Call {n1} on 0{num}{num2} {year}{num} about the {col} door.", [("phone number", f"0{num}{num2} {year}{num}"), ("name", n1), ("colour", col)])]
    text, wants = random.choice(cases)
    if "one hours" in text:
        text = text.replace("one hours", "one hour")
    what, value = random.choice(wants)
    many = what in ("names of the people", "cities", "numbers", "colours", "animals", "names")
    q = random.choice(["Find the {w} in this sentence: {t}", 'Extract the {w}: "{t}"', "What {is_} the {w} in this text? {t}", '{t} What {is_} the {w}?', "Give me only the {w}: {t}", "Which {w} {is_} in this sentence? {t}|", "Pull out the {w} from: {t}", "List the {w}: {t}" if many else "Name the {w}: {t}", "From this text I need the {w}. {t}", "Take out the {w}: {t}", "Pick out the {w} in: {t}", "Read this and tell me the {w}: {t}", 'In "{t}", what {is_} the {w}?', "Only the {w}, please: {t}", "{w}? {t}", "Copy the {w} from this: {t}", "{t} Extract the {w}.", "{t}\n\nFind the {w}.", "Which {w} {is_} mentioned? {t}", "I only want the {w} of this sentence: {t}", "Text: {t}\nTask: write down the {w}.", "Look for the {w}: {t}"]).split("|")[0]
    return [(q.format(w=what, t=text, is_="are" if many else "is"), random.choice(["{V}", "{V}.", "The {w} {is_} {v}."]).format(v=value, V=value if "@" in value else capital(value), w=what, is_="are" if many else "is"))]


SUBJECT = [("I", "you"), ("We", ""), ("The dog", ""), ("My sister", ""), ("The children", ""), ("They", ""), ("The teacher", ""), ("Our neighbours", ""), ("The old man", ""), ("A bird", "")]
VERBS = [line.split("|") for line in """walk|walks|walked|walking|to school
eat|eats|ate|eating|an apple
drink|drinks|drank|drinking|some water
play|plays|played|playing|in the garden
go|goes|went|going|to the market
see|sees|saw|seeing|a big ship
write|writes|wrote|writing|a letter
read|reads|read|reading|a book
sing|sings|sang|singing|a song
run|runs|ran|running|down the hill
buy|buys|bought|buying|fresh bread
find|finds|found|finding|a coin
make|makes|made|making|a cake
take|takes|took|taking|the bus
sleep|sleeps|slept|sleeping|on the sofa
swim|swims|swam|swimming|in the lake
build|builds|built|building|a small house
open|opens|opened|opening|the window
close|closes|closed|closing|the door
like|likes|liked|liking|old songs
help|helps|helped|helping|the farmer
watch|watches|watched|watching|the rain
cook|cooks|cooked|cooking|soup
clean|cleans|cleaned|cleaning|the kitchen
lose|loses|lost|losing|the key
bring|brings|brought|bringing|flowers
wait|waits|waited|waiting|at the station
carry|carries|carried|carrying|a heavy bag
live|lives|lived|living|in a village
work|works|worked|working|in a shop
paint|paints|painted|painting|the fence
wash|washes|washed|washing|the car
catch|catches|caught|catching|a fish
sell|sells|sold|selling|apples
draw|draws|drew|drawing|a horse
sit|sits|sat|sitting|under a tree
feed|feeds|fed|feeding|the hens
climb|climbs|climbed|climbing|the tree
visit|visits|visited|visiting|the museum
speak|speaks|spoke|speaking|very softly""".splitlines()]
SINGLE = {"The dog", "My sister", "The teacher", "The old man", "A bird"}
POLITE = [line.split("|") for line in """Give me the salt.|Could you please pass me the salt?
Open the window.|Could you please open the window?
Be quiet.|Could you please be a little quieter?
Send me the report.|Could you please send me the report?
Wait here.|Would you please wait here?
Help me.|Could you please help me?
Close the door.|Would you please close the door?
Tell me your name.|May I ask your name, please?
Bring me some water.|Could you please bring me some water?
Turn off the light.|Could you please turn off the light?
Sit down.|Please have a seat.
Hurry up.|Could you please be a little faster?
Give me an answer.|I would be glad to hear your answer.
Lend me your pen.|Could you lend me your pen, please?
Show me the way.|Could you please show me the way?
Take off your shoes.|Would you please take off your shoes?
I want to speak to the boss.|May I speak to the manager, please?
Pay the bill.|Could you please pay the bill?
Leave me alone.|I would like to be alone for a while, please.
What do you want?|How can I help you?
Send it again.|Could you please send it again?
Carry my bag.|Could you please carry my bag?
Clean your room.|Would you please clean your room?
You forgot the salt.|I think the salt is still missing.
I don't like your plan.|I am not sure about the plan. May I suggest something else?
Don't touch that.|Please be so kind and do not touch that.
Move your car.|Could you please move your car?
Answer my email.|I would be grateful if you could answer my email.
I want a coffee.|I would like a coffee, please.
Come here.|Could you please come here?
Call me back.|Could you please call me back?
Speak louder.|Could you please speak a little louder?
Stop talking.|Would you please stop talking?
Give me my book back.|Could I please have my book back?
I want the bill.|May I have the bill, please?
Turn the music down.|Could you please turn the music down?
You are late.|I noticed that you came a little later than planned.
This is wrong.|I am afraid this is not quite right.""".splitlines()]
WORDY = [line.split("|") for line in """At this point in time we are not able to come to your party.|We cannot come to your party now.
It was a very cold and also very windy day in the town.|The day in the town was cold and windy.
My brother, who is a baker, gets up every day at three in the morning.|My brother, a baker, gets up at three.
We would like to ask you to please be quiet in the library.|Please be quiet in the library.
In my personal opinion I think that dogs are good pets.|I think dogs are good pets.
The car that belongs to my sister is of a red colour.|My sister's car is red.
He gave me the answer to my question after he had thought for a long time.|He answered me after long thought.
Due to the fact that the road was closed, we came too late.|The road was closed, so we came too late.
She has the ability to speak four different languages.|She can speak four languages.
During the time that I was on holiday, my plants died.|While I was on holiday, my plants died.
It is necessary that you bring a warm coat with you.|Bring a warm coat.
In the event that it rains, we will stay at home.|If it rains, we will stay at home.
The reason why I am late is because the bus did not come.|I am late because the bus did not come.
I am writing this letter in order to ask you for your help.|I am writing to ask for your help.
She is a person who is always very happy and cheerful.|She is always cheerful.
It is my opinion that the film was much too long.|I think the film was too long.
Despite the fact that he was tired, he went to work.|Although he was tired, he went to work.
There are many people who like to drink tea in the morning.|Many people like tea in the morning.
We made the decision to sell the old house.|We decided to sell the old house.
He ran away as fast as he possibly could from the big angry dog.|He ran from the angry dog.
The meeting, which was planned for Monday, will now be held on Tuesday instead.|The meeting is moved from Monday to Tuesday.
I would like to let you know that your parcel has arrived here today.|Your parcel arrived today.""".splitlines()]
WRONG = [line.split("|") for line in """She go to school every day.|She goes to school every day.
He don't like milk.|He doesn't like milk.
I has two cats.|I have two cats.
They was late.|They were late.
We is happy.|We are happy.
I seen him yesterday.|I saw him yesterday.
She buyed a car.|She bought a car.
He eated all the cake.|He ate all the cake.
There is three apples.|There are three apples.
Me and him is friends.|He and I are friends.
I am go home.|I am going home.
Yesterday I go to the park.|Yesterday I went to the park.
He can sings well.|He can sing well.
She is more taller than me.|She is taller than me.
I have saw that film.|I have seen that film.
Their going to the beach.|They're going to the beach.
Its raining again.|It's raining again.
Your welcome.|You're welcome.
I could of won.|I could have won.
The childs are playing.|The children are playing.
Two mans came in.|Two men came in.
She don't know nothing.|She doesn't know anything.
I recieve many letters.|I receive many letters.
He is my freind.|He is my friend.
We was waiting for you.|We were waiting for you.
How much apples do you want?|How many apples do you want?
She speak English good.|She speaks English well.
I am agree with you.|I agree with you.
He has 20 years.|He is 20 years old.
an cat sat on the mat|A cat sat on the mat.""".splitlines()]


def sentence(random):
    s = random.choice(SUBJECT)[0]
    v = random.choice(VERBS)
    return s, v, f"{s} {v[1] if s in SINGLE else v[0]} {v[4]}."


def short(random):
    """A short sentence of names and things."""
    n1, n2 = random.sample(NAMES, 2)
    c, d = random.choice(COLOURS), random.choice(DAYS)
    t1, t2 = random.sample(PLURALS, 2)
    return random.choice([f"{n1} likes {t1}.", f"{n1} and {n2} sell {t1}.", f"The {t1} are {c}.", f"On {d} {n1} buys {t1}.", f"{n1} saw {c} {t1} in {random.choice([city for city in CITIES if ' ' not in city])}.", f"Does {n1} have {t1}?", f"{n1} gave {n2} some {t1}.", f"Where are my {c} {t1}?", f"{n1} waits.", f"Please bring {t1} and {t2} on {d}!", f"{n2} never eats without {n1}.", f"Good morning {n1}!", f"We met {n1} and {n2} last {d}."])


def wrong(random):
    """A sentence with one slip of grammar, and the right one."""
    s, v, now = sentence(random)
    draw = random.randrange(3)
    if draw == 0:
        return f"{s} {v[0] if s in SINGLE else v[1]} {v[4]}.", now
    if draw == 1 and v[0] != v[2]:
        low = s if s == "I" else s[0].lower() + s[1:]
        return f"Yesterday {low} {v[0]} {v[4]}.", f"Yesterday {low} {v[2]} {v[4]}."
    return f"{s} {'do' if s in SINGLE else 'does'} not {v[0]} {v[4]}.".replace(" some ", " any "), f"{s} {'does' if s in SINGLE else 'do'} not {v[0]} {v[4]}.".replace(" some ", " any ")


SWAP = ["Replace {x} with {y}: {t}", "Put {y} instead of {x}: {t}", "Change {x} to {y} in this sentence: {t}", "Swap {x} for {y}: {t}", "Write {y} where it says {x}: {t}", "{t} Now with {y} instead of {x}.", 'Replace the word "{x}" with "{y}": {t}', 'In "{t}", change {x} to {y}.', "Use {y}, not {x}: {t}", "Same sentence with {y} for {x}: {t}", "Take out {x} and put in {y}: {t}"]


def swapped(random):
    """A word, the one for it, a sentence with the first and the sentence with the second."""
    name, d = random.choice(NAMES), random.choice(DAYS)
    x, y = random.choice([random.sample(PLURALS, 2), random.sample([colour for colour in COLOURS if colour not in ("orange",)], 2), random.sample([city for city in CITIES if " " not in city], 2)])
    form = random.choice(["{n} loves {x}.", "On {d} {n} talked about {x}.", "{n} thinks of {x} all day.", "The word {x} is on the wall.", "{n} wrote {x} on the paper.", "I dreamed of {x} on {d}.", "{n} says that {x} is a nice word."])
    return x, y, form.format(n=name, d=d, x=x), form.format(n=name, d=d, x=y)


def rewriting(random, other):
    draw = random.randrange(13)
    s, v, now = sentence(random)
    one = s in SINGLE
    be = "am" if s == "I" else "is" if one else "are"
    quote = lambda forms, t: random.choice(forms).format(t=t)
    low = s if s == "I" else s[0].lower() + s[1:]
    if draw == 0:
        t = random.choice([now, random.choice(PLURALS), random.choice(["good morning", "hello world", "thank you", "please wait here", "stop", "happy birthday"])])
        if random.random() < 0.7:
            return [(quote(["Write this in capital letters: {t}", 'Put "{t}" in upper case.', "Make this all caps: {t}", "In capitals: {t}", "Change to capital letters: {t}", "uppercase: {t}"], t), t.upper())]
        return [(quote(["Write this in small letters: {t}", "Make this lower case: {t}", "lowercase: {t}"], t.upper()), t.lower())]
    if draw in (1, 2):
        return [(quote(["Put this in the past tense: {t}", 'Change "{t}" to the past tense.', "Past tense: {t}", "Rewrite in the past: {t}", "Write this as if it happened yesterday: {t}", 'What is the past tense of "{t}"?', "Now in the past: {t}", "Simple past please: {t}", "{t} Put that into the past.", "into the past: {t}", "Use the past tense in this sentence: {t}", "Make this past tense: {t}", "Change this to past: {t}", "Say this about yesterday: {t}", "Turn this sentence into the past: {t}"], now), f"{s} {v[2]} {v[4]}.")]
    if draw == 3:
        return [(quote(["Put this in the future: {t}", 'Change "{t}" to the future tense.', "Future tense: {t}", "Say this about tomorrow: {t}", "Rewrite with will: {t}", "Put this into the future: {t}", "Say this with will: {t}", "{t} In the future, please.", "What is the future of this: {t}", "Make it future: {t}"], now), f"{s} will {v[0]} {v[4]}.")]
    if draw == 4:
        return [(quote(["Make this negative: {t}", "Say the opposite with not: {t}", "Turn this into a negative sentence: {t}", "Negate this: {t}", "Put not into this sentence: {t}", "{t} Now with not.", "negative form: {t}", "Say that this does not happen: {t}", 'Make "{t}" negative.'], now), f"{s} {'does' if one else 'do'} not {v[0]} {v[4]}.".replace(" some ", " any "))]
    if draw == 5:
        return [(quote(["Turn this into a question: {t}", "Make a question out of this: {t}", "Write this as a question: {t}", "question form: {t}", "Change this statement to a question: {t}", "How do I ask this? {t}", "Rewrite as a question: {t}", "{t} Make that a question.", 'Ask this as a question: "{t}"'], now), f"{'Does' if one else 'Do'} {low} {v[0]} {v[4]}?")]
    if draw == 6:
        return [(quote(["Use the present continuous: {t}", 'Say that it is happening now: {t}', "Put this in the -ing form: {t}"], now), f"{s} {be} {v[3]} {v[4]}.")] if v[0] != "like" else [(f"Put this in the past tense: {now}", f"{s} liked {v[4]}.")]
    if draw == 7:
        x, y = random.choice(POLITE)
        return [(quote(["Make this more polite: {t}", 'Say this politely: "{t}"', "How can I say this more politely? {t}", "Rewrite in a polite way: {t}", "Can you make this sound nicer? {t}", "Polite version of: {t}"], x), y)]
    if draw == 8:
        x, y = random.choice(WORDY)
        return [(quote(["Make this shorter: {t}", "Shorten: {t}", 'Say this in fewer words: "{t}"', "Can you make this sentence shorter? {t}", "Say it more simply: {t}"], x), y)]
    if draw == 9:
        x, y = random.choice(WRONG) if random.random() < 0.4 else wrong(random)
        return [(quote(["Correct this sentence: {t}", "Fix the grammar: {t}", "Correct the mistake: {t}", 'Is this right? "{t}"', "Please check my English: {t}", "What is wrong here? {t}", "Correct the grammar of this sentence: {t}", "Find the mistake: {t}", "Rewrite this correctly: {t}", 'How do I say this correctly? "{t}"', "grammar check: {t}", "Is my sentence right? {t}", "{t} Please correct that.", "Write it right: {t}", "Can you fix my English? {t}", "There is a mistake in this sentence: {t}", "Make this sentence correct: {t}", "proofread: {t}", "Can you correct this? {t}", "Fix this: {t}"], x), random.choice([y, y, f"It should be: {y}" ]))]
    if draw == 10:
        n1, n2 = random.sample(NAMES, 2)
        t = f"{n1} {v[1]} {v[4]}."
        if random.random() < 0.6:
            x, y, t, u = swapped(random)
            return [(random.choice(SWAP).format(x=x, y=y, t=t), u)]
        return [(random.choice(["Replace {x} with {y}: {t}", "Put {y} instead of {x}: {t}", "Swap {x} for {y}: {t}", "Write {y} where it says {x}: {t}", "In this sentence, replace {x} by {y}: {t}", "{t} Now with {y} instead of {x}.", "Use {y} rather than {x}: {t}", "Exchange {x} for {y}: {t}", "Change {x} to {y} in this sentence: {t}"]).format(x=n1, y=n2, t=t), f"{n2} {v[1]} {v[4]}.")]
    if draw == 11:
        w = random.sample([t[0] for t in THINGS], random.choice([3, 4]))
        return [(random.choice(["Write these words in reverse order: {t}", "Reverse this list: {t}", "Say these backwards: {t}"]).format(t=", ".join(w)), ", ".join(reversed(w)))]
    if random.random() < 0.5:
        now = short(random)
    n, first, last = len(now.split()), now.split()[0], now.split()[-1].strip(".?!")
    return [(quote(["Number of words in: {t}", "How many words do you count here? {t}", "word count: {t}", "{t} How many words is that?", "How many words make up this sentence? {t}", "How long is this sentence in words? {t}", 'How many words are in this sentence: "{t}"', "Count the words: {t}", 'How many words does "{t}" have?'], now), random.choice([f"It has {words(n)} words.", f"{capital(words(n))} words.", f"{capital(words(n))}.", f"There are {words(n)} words.", f"{n} words: " + ", ".join(f"{i} {word}" for i, word in enumerate((part.strip(".?!") for part in now.split()), 1)) + "."]))] if random.random() < 0.6 else \
        [(quote(['What is the last word of "{t}"?', "Last word in this sentence: {t}"], now), f"The last word is {last}.")] if random.random() < 0.5 else [(quote(['What is the first word of "{t}"?', "First word in this sentence: {t}"], now), f"The first word is {first}.")]


FORMS = [reading] * 10 + [sorting] * 2 + [taking_out] * 2 + [rewriting] * 3


def passages(random, other):
    return random.choice(FORMS)(random, other)
