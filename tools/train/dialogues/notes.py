"""What a visitor tells and asks for later: a hundred kinds of things, told, corrected, compared and asked for in wordings that are put together.

A thing is a line of tables/notes.txt. How it is told and asked is composed from its own words and from frames that fit all, so that
what is learnt is to look for what was said last about it, and not one template's surface."""
import re

from .lists import BOYS, CITIES, COLOURS, DAYS, FOODS, GIRLS, HOBBIES, INSTRUMENTS, JOBS, MONTHS, NAMES, PET_NAMES, SPORTS, SPOTS, SUBJECTS, SURNAMES
from .phrasing import a, capital, listed, lower_first, slip
from .rows import lines

COUNTS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def split(text):
    return text.split(", ")


POOLS = {
    "names": NAMES, "girls": GIRLS, "boys": BOYS, "surnames": SURNAMES, "surdocs": ["Doctor " + s for s in SURNAMES], "cities": CITIES, "colours": COLOURS, "foods": FOODS, "days": DAYS, "months": MONTHS, "pets": PET_NAMES, "hobbies": HOBBIES, "spots": [s for s in SPOTS if " my " not in s], "sports": SPORTS, "subjects": SUBJECTS,
    "jobs": [a(j) for j in JOBS], "instruments": ["the " + i.removeprefix("the ") for i in INSTRUMENTS], "ages": [str(n) for n in range(3, 72)], "olds": [str(n) for n in range(63, 99)], "small": [str(n) for n in range(2, 200)], "rooms": [str(n) for n in range(1, 999)],
    "nicknames": split("Birdie, Sparky, Bean, Goose, Sunny, Pepper, Tiger, Bookworm, Shorty, Captain, Ace, Peanut, Ziggy, Moose, Red, Pip, Dot, Chip, Rocket, Kiki, Bubbles, Foxy, Duke, Teddy, Mouse"),
    "dates": [f"{n} {m}" for m in MONTHS for n in range(1, 29)] + [f"{m} {n}" for m in MONTHS for n in range(1, 29)],
    "streets": split("Mill Lane, Oak Street, Station Road, Church Lane, Garden Street, River Road, Park Avenue, Hill Street, Castle Road, Bridge Street, King Street, Rose Lane, Harbour Road, Green Lane, School Street, Market Street, Elm Avenue, Forest Road, Tulip Street, Baker Row"),
    "drinks": split("tea, coffee, milk, lemonade, orange juice, hot chocolate, apple juice, ginger tea, water, iced tea, tomato juice, cocoa, mint tea, cola, buttermilk"),
    "animals": split("the elephant, the owl, the fox, the dolphin, the tiger, the penguin, the horse, the otter, the hedgehog, the giraffe, the wolf, the panda, the seal, the koala, the eagle, the turtle, the zebra, the squirrel, the octopus, the raven"),
    "seasons": ["spring", "summer", "autumn", "winter"], "fruits": split("mangoes, cherries, pears, plums, melons, grapes, apples, bananas, peaches, kiwis, figs, oranges, raspberries, apricots"),
    "flowers": split("the rose, the tulip, the daisy, the lily, the sunflower, the poppy, the orchid, the violet, the lilac, the iris, the dahlia, the peony"), "trees": split("the oak, the birch, the pine, the maple, the willow, the lime tree, the beech, the cherry tree, the olive tree, the chestnut"),
    "cakes": split("carrot cake, cheesecake, apple cake, lemon cake, chocolate cake, plum cake, nut cake, marble cake, poppy seed cake, honey cake"), "soups": split("tomato soup, onion soup, lentil soup, pumpkin soup, chicken soup, fish soup, pea soup, potato soup, mushroom soup, carrot soup"),
    "films": split("The Lion King, Jaws, Titanic, Casablanca, Frozen, Toy Story, Psycho, Star Wars, Rocky, Alien, Gladiator, Finding Nemo, Bambi, Amélie, Shrek, Up, The Matrix, King Kong"),
    "games": split("chess, draughts, ludo, dominoes, Scrabble, Monopoly, poker, rummy, bingo, hide and seek, darts, backgammon"), "vegetables": split("carrots, peas, beans, tomatoes, spinach, broccoli, leeks, onions, cabbage, pumpkin, beetroot, asparagus"),
    "musics": split("jazz, rock, opera, pop, folk music, blues, hip-hop, classical music, reggae, country music, techno, samba"), "countries": split("Italy, Spain, Norway, Japan, Mexico, Greece, Ireland, Kenya, Peru, Canada, India, Portugal, Iceland, Brazil, Morocco, Finland, Vietnam, Austria, Croatia, Chile, Denmark, Turkey"),
    "ices": split("vanilla, chocolate, strawberry, lemon, pistachio, hazelnut, mango, mint, coconut, cherry"), "breakfasts": split("porridge, pancakes, toast with jam, muesli, scrambled eggs, bread and cheese, yoghurt with fruit, waffles, rolls with honey, cornflakes"),
    "seats": [f"{n}{c}" for n in range(1, 40) for c in "ABCDEF"], "gates": [f"{c}{n}" for n in range(1, 40) for c in "ABCD"], "flights": [f"{c}{n}" for n in range(101, 999, 7) for c in ("LH", "BA", "AF", "KL", "SK", "IB")], "platforms": [str(n) for n in range(1, 24)], "shoes": [str(n) for n in range(35, 48)], "bus": [str(n) for n in range(1, 180)],
    "teams": split("the Blue Foxes, the Red Lions, the Harbour Hawks, the River Rats, the Green Giants, the Night Owls, the Mill Town Tigers, the Silver Wolves, the Hill Rangers, the Golden Bees, the Black Bears, the North Stars"),
    "hotels": split("the Grand Hotel, the Sea View, the Golden Lion, the Park Hotel, the White Swan, the Old Mill, the Royal Inn, the Station Hotel, the Blue Anchor, the Garden Hotel, the Star Inn"), "rents": [f"{n} euros" for n in range(350, 1500, 10)], "heights": [f"1.{n} metres" for n in range(50, 99)],
    "workplaces": split("in a bank, in a bakery, at a school, at the airport, in a hospital, in a library, at the zoo, in a museum, at the post office, in a hotel, in a car factory, at a law firm, on a farm, in a bookshop, at the town hall, in a laboratory, at a radio station, in a flower shop, in a garden centre, at the harbour"),
    "cars": split("a red Fiat, a blue Ford, an old Volvo, a black Audi, a small Toyota, a white Tesla, a green Mini, a grey Honda, a yellow Beetle, a silver BMW, a Skoda, a Renault, a Peugeot, a Mazda, an electric Nissan, a brown Volvo"),
    "allergies": split("nuts, milk, eggs, fish, wheat, shellfish, soya, strawberries, cats, pollen, dust, bee stings, penicillin, wool, dogs, celery, sesame, kiwis"), "times": [f"{h}:{m:02}" for h in range(7, 23) for m in (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55)] + ["noon"] + [f"{h} o'clock" for h in COUNTS[1:]] + [f"half past {h}" for h in COUNTS[1:]] + [f"{n} am" for n in range(7, 12)] + [f"{n} pm" for n in range(1, 11)],
    "mornings": [f"{h}:{m}" for h in (5, 6, 7, 8) for m in ("00", "10", "15", "20", "30", "40", "45")] + ["six", "seven", "half past five", "half past six", "quarter to seven"], "goods": split("a lamp, a green scarf, a kettle, two chairs, a bag of rice, a new umbrella, a loaf of bread, three pears, a red hat, some candles, a pair of boots, a map, a toaster, a frying pan, a blue rug, a guitar, a cactus, a jar of honey, a mirror, a ladder, an alarm clock, a bunch of roses, a chess set, a bottle of olive oil"),
    "seen": split("a fox, a hedgehog, an owl, a deer, a squirrel, a snake, a frog, a woodpecker, a mole, a bat, a heron, a rabbit, a toad, a badger, a butterfly, a stork, a lizard, a swan"), "mine": split("my wallet, my umbrella, my glasses, my left glove, my ring, my passport, my scarf, my watch, my phone, my earring, my bus pass, my hat, my notebook, my camera"),
    "books": split("Treasure Island, Emma, Moby-Dick, Dracula, Heidi, Robinson Crusoe, The Hobbit, Jane Eyre, Black Beauty, Oliver Twist, Frankenstein, Little Women, Peter Pan, Middlemarch, Don Quixote, War and Peace, Ulysses, Anna Karenina, Momo, The Jungle Book"),
    "plans": split("paint the fence, visit my aunt, go hiking, bake bread, clean the attic, go to a concert, sleep a lot, plant tomatoes, go fishing, see a play, mend my bike, go to the lake, read a thick book, watch a football match, ride to the coast, build a shelf, go camping, play tennis with a friend, wash the windows, go to a flea market"),
    "guests": split("my uncle, my boss, my cousin Clara, my neighbour, Doctor Reed, my old teacher, my friend Omar, my grandmother, my sister and her husband, my colleague Ines, the whole choir, my landlord, my godmother, my friend Wei, the new pastor"), "bodies": split("knee, back, left foot, right shoulder, neck, elbow, head, tooth, stomach, right hand, ankle, throat, left ear, hip, thumb"),
    "learning": split("Italian, Japanese, to swim, the guitar, to drive, chess, Portuguese, to knit, sign language, Arabic, to dance, to code, Greek, to ride, the violin, Welsh, to juggle, Korean, to skate, Polish"), "prices": [f"{n} euros" for n in range(12, 400)] + [f"{n} dollars" for n in range(12, 400)] + [f"{n} pounds" for n in range(12, 400)], "distances": [f"{n} kilometres" for n in range(2, 60)] + [f"{n} miles" for n in range(2, 40)],
    "scores": [f"{x}-{y}" for x in range(6) for y in range(6)], "points": [str(n) for n in range(21, 100)], "few": ["two", "three", "four", "five", "2", "3", "4", "5", "six"], "tens": [str(n) for n in range(7, 60)] + ["ten", "twelve", "fifteen", "twenty", "thirty"],
    "gifts": split("a telescope, a drum, a new bike, a cookery book, a watch, a tent, a kitten, a sewing machine, a camera, a trip to Rome, a silver ring, a hammock, a warm coat, a record player, a globe, a pair of skates, a fountain pen, a teapot"), "fears": split("spiders, heights, the dark, thunder, snakes, deep water, big dogs, flying, needles, mice, clowns, small rooms, wasps, exams, ghosts"),
    "collections": split("stamps, shells, old coins, postcards, tea cups, stones, comics, toy cars, keys, hats, records, maps, buttons, bottles, feathers, clocks, spoons, tickets"), "years": [str(n) for n in range(1965, 2025)],
}
POOLS["codes"] = [f"{n:04}" for n in range(17, 9999, 3)] + [f"{n:03}" for n in range(1, 999, 7)]
POOLS["longs"] = [str(n) for n in range(10007, 9999999, 1237)]

YOU = [(r"\bI am\b|\bI'm\b", "you are"), (r"\bam I\b", "are you"), (r"\bI was\b", "you were"), (r"\bwas I\b", "were you"), (r"\bI\b", "you"), (r"\b[Mm]y\b", "your"), (r"\bme\b", "you"), (r"\bmine\b", "yours"), (r"\bwe\b", "you"), (r"\bour\b", "your")]


def yours(text):
    """What the visitor says of themselves, as the assistant says it of them."""
    for pattern, new in YOU:
        text = re.sub(pattern, new, text)
    return text


class Topic:
    """A kind of thing told. `tells` are clauses with {v}; `indirect` is "when my train leaves"."""

    def __init__(self, indirect, about, direct, tells, short, pool):
        self.indirect, self.about, self.direct, self.tells, self.short, self.values = indirect, about, direct, tells, short, POOLS[pool]
        self.pool = pool

    def clause(self, rng, v):
        return rng.choice(self.tells).format(v=v)

    def full(self, v):
        """The first way to tell it, said to the visitor: "your train leaves at 9:15"."""
        return yours(self.tells[0].format(v=v))

    def brief(self, v):
        return self.short.format(v=yours(v), V=capital(yours(v)))


def read():
    topics = []
    for line in lines("notes"):
        if line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if line.startswith("@"):
            noun, pool, tells, direct = fields[0][1:], *fields[1:]
            topics.append(Topic(f"what my {noun} is", f"my {noun}", [f"what is my {noun}", f"what's my {noun}"] + direct.split("; "), [f"my {noun} is {{v}}"] + tells.split("; "), "{V}.", pool))
        else:
            indirect, about, direct, tells, short, pool = fields
            topics.append(Topic(indirect, about, direct.split("; "), tells.split("; "), short, pool))
    return topics


TOPICS = read()
TELLS = ["{T}."] * 7 + ["By the way, {t}.", "{T}, by the way.", "Just so you know, {t}.", "You should know that {t}.", "I should mention that {t}.", "I wanted to tell you that {t}.", "Let me tell you something: {t}.", "For later: {t}.", "One thing about me: {t}.", "Keep in mind that {t}.", "Please remember that {t}.", "Hi! {T}.", "Hello, {t}.", "Oh, and {t}.", "So, {t}.",
         "Please note that {t}.", "Before I forget: {t}.", "{T}, in case I ask later.", "{T}. Please keep it in mind.", "{T}, you know.", "Well, {t}.", "FYI {t}", "{T}!", "Don't forget that {t}.", "Hey, {t}.", "{T}, so that you know it.", "Also, {t}.", "I may ask you later, so: {t}.", "As for {about}: {t}.", "About {about}: {t}.", "Something else: {t}.", "Today I tell you this: {t}.", "Good morning! {T}.", "{T} :)", "Remember this: {t}."]
ASKS = ["do you remember {i}?", "do you still know {i}?", "can you tell me {i}?", "could you tell me {i}, please?", "please tell me {i}.", "tell me {i}.", "remind me {i}.", "please remind me {i}.", "I forgot {i}.", "I have forgotten {i}. Can you help?", "did you note {i}?", "can you recall {i}?", "I would like to know {i}.", "would you be so kind as to tell me {i}?", "say again {i}, please.", "I told you {i}. Can you repeat it?",
        "from what I told you, {d}?", "once again, {d}?", "{d} again?", "so {d}?", "and {d}?", "now, {d}?", "quick check: {d}?", "let me test you: {d}?", "sorry, {d}?", "think back: {d}?", "what did I say about {about}?", "what did I tell you about {about}?", "what do you know about {about}?", "did I say {i}?", "remind me about {about}.", "what was it I said about {about}?", "and {about}?", "you surely remember {i}?", "I said it before: {d}?", "{d}? I told you.", "{d}? I forgot.", "{d}, please?", "look above: {d}?", "hey, {d}?", "let me see whether you know {i}.", "back to {about}: {d}?", "my memory is bad. {d}?", "if I ask you {i}, what do you say?"]
NAMES_OF_DAYS = set(DAYS) | set(MONTHS)
HEARD = ["Noted.", "Got it.", "All right.", "Okay.", "Thanks for telling me.", "I will keep that in mind.", "Good to know.", "Understood.", "Thank you, noted.", "Okay, I will remember that in this chat.", "Sure.", "I see.", "Alright, I have that.", "Nice, thanks for sharing.", "That is good to know.", "Fine, I will remember it here.", "Thank you. Ask me whenever you like.", "I'll remember.", "Okay, thanks!", "I have made a mental note."]
ECHOED = ["Okay, {t}.", "Good to know that {t}.", "{T}, noted.", "All right, {t}.", "I see, {t}.", "Got it: {t}.", "I will remember that {t}.", "Noted: {t}.", "So {t}. Thanks for telling me.", "Thank you, I will keep in mind that {t}."]
FULL = ["{T}."] * 8 + ["You said that {t}.", "You told me that {t}.", "Yes, {t}.", "As you said, {t}.", "{T}, as you told me.", "From what you told me, {t}."]
SMALL = [("It is raining here.", "Then a cup of tea may be nice."), ("I am a bit tired today.", "I hope you can rest soon."), ("What a lovely day!", "It sounds like one. Enjoy it!"), ("How are you?", "I am fine, thank you. How can I help?"), ("Thanks.", "You are welcome!"), ("You are nice.", "Thank you, that is kind of you."), ("I'm back.", "Welcome back!"), ("One moment, the phone rings.", "Take your time."), ("ok", "What would you like to know next?"), ("lol", "Glad you are in a good mood!"), ("Just having a coffee.", "Enjoy it!"),
         ("Are you still there?", "Yes, I am here."), ("I am bored.", "Shall I tell you a joke or a story?"), ("The wind is strong today.", "Then hold on to your hat!"), ("Let me think for a moment.", "Of course, there is no hurry."), ("Hello!", "Hello! How can I help you?"), ("hi there", "Hi! What can I do for you?"), ("Good evening!", "Good evening! What is on your mind?"), ("It's so quiet in the house.", "A good time to relax, perhaps."), ("I like talking with you.", "I am glad to hear that."), ("Sorry for all the questions.", "No problem at all, please ask."), ("Cool.", "Anything else?"), ("hmm", "Take your time."),
         ("My neighbours are loud again.", "That must be annoying. I hope it gets quiet soon."), ("The kettle is boiling.", "Time for a hot drink!"), ("I just had a long walk.", "That sounds healthy. I hope it was nice."), ("Nice weather for a walk, isn't it?", "If the sun is out, why not!"), ("Wow.", "Indeed!"), ("You answer fast.", "Thank you, I try my best.")]
NEVER = ["You have not told me {i}.", "You have not told me {i} yet.", "I don't know {i}. You have not said so.", "You never said {i}.", "You did not tell me {i}.", "That you have not told me.", "I don't know that, because you have not told me.", "You have not mentioned {i} in this chat."]
CORRECT = ["No wait, {t}.", "no, wait, {t}", "Wait, {t}.", "Sorry, I meant {v}.", "Sorry, I meant to say {v}.", "I meant {v}.", "I mean {v}.", "Scratch that, {t}.", "scratch that: {v}", "Actually, {t}.", "Actually {v}.", "Actually, make that {v}.", "Make that {v}.", "make it {v}", "I was wrong, {t}.", "I was wrong: {v}.", "Not {o} but {v}.", "not {o}, {v}", "{V}, not {o}.", "Oh, sorry: {v}, not {o}.", "Correction: {t}.", "Correction: {v}.", "I made a mistake, {t}.", "My mistake, {v}.", "My mistake: {t}.", "Oops, {t}.", "oops, I meant {v}",
           "Hang on, {t}.", "Hold on, {t}.", "That was wrong. {T}.", "That is not right: {t}.", "I got that wrong. {T}.", "I have to correct myself: {t}.", "Let me correct that: {t}.", "Forget {o}, {t}.", "Forget what I said, {t}.", "Ignore that, {t}.", "I mixed that up: {t}.", "I said {o}, but I meant {v}.", "Did I say {o}? I meant {v}.", "When I said {o}, I meant {v}.", "Please change {o} to {v}.", "change that to {v}", "No, {v}.", "no, {v}", "Nope, {v}.", "Hmm, no. {T}.", "Well, not {o}. {V}.", "{V} instead of {o}, sorry.", "It should be {v}.", "should be {v}, sorry", "Better: {v}.", "I just looked again: {t}.", "I checked it: {t}.", "I just heard that {t}.",
           "Things have changed: {t}.", "That has changed, {t} now.", "Update: {t}.", "Change of plan: {t}.", "New information: {t}.", "Excuse me, {t}.", "Pardon, {v}.", "Wrong! {T}.", "Typo: {v}.", "I mistyped, {v}.", "In truth, {t}.", "To be exact, {t}.", "Rather {v}.", "Or rather, {v}.", "Sorry, {t}.", "sorry, {v}", "Let's say {v} instead.", "It was a slip: {v}.", "I confused something, {t}.", "Not {o}, of course. {T}.", "Please correct {o}: {t}."]
LATE = ["About {about}: {t}.", "As to {about}, I was wrong: {t}.", "What I said about {about} was wrong: {t}.", "I have to correct {about}: {t}.", "By the way, {t}, not what I said before.", "About {about} again: {v}, not {o}.", "Earlier I said {o}, but {t}.", "I told you {o} before, but {t}.", "{about}: not {o} but {v}", "Going back to {about}: {t}, sorry.", "I was thinking about {about}. I was wrong: {t}.", "One thing has changed: {t}.", "Earlier I gave you {o}. It should be {v}.", "Please replace {o} by {v}.", "Where I said {o}, it should be {v}.", "Remember {about}? {T}, I had it wrong.", "I need to take something back. Not {o}: {t}.", "Sorry, back to {about}: {v}.", "Oh, about {about}, I meant {v}."]
CHANGED = ["All right, {v} it is.", "Okay, {v} then.", "Got it, {v}.", "Thanks, I have changed it to {v}.", "No problem: {v}.", "Noted, {t}.", "All right, {t}.", "Okay, so {t}.", "Thanks for the correction: {v}.", "I see, {v}, not {o}.", "Right, {t}.", "{V}, got it.", "Fine, {v} instead of {o}.", "Sure, {v}.", "I will go by {v}."]
CHANGED_BARE = ["Okay, I have changed that.", "Thanks for the correction.", "All right, I will go by that.", "Noted.", "No problem, I have corrected it.", "Okay.", "Got it, thanks.", "Fine, that replaces what you said before."]


def fill(form, topic, v, old="", t=None):
    t = t if t is not None else topic.tells[0].format(v=v)
    return capital(form.format(t=t, T=capital(t), v=v, V=capital(v), o=old, about=topic.about, i=topic.indirect))


def dressed(rng, text):
    """As visitors write: small letters, no full stop, a slip."""
    draw = rng.random()
    if draw < 0.6:
        return text
    if draw < 0.82:
        return text.lower().rstrip(".?")
    if draw < 0.92:
        return text.rstrip(".?")
    if draw < 0.96:
        return slip(rng, text)
    return text.lower()


def tell(rng, topic, v):
    text = fill(rng.choice(TELLS), topic, v, t=topic.clause(rng, v))
    exact = topic.pool in ("seats", "gates", "flights")  # whose capitals count
    return text if exact else dressed(rng, text)


def heard(rng, topic, v):
    if rng.random() < 0.55:
        return rng.choice(HEARD)
    return fill(rng.choice(ECHOED), topic, v, t=topic.full(v))


def asked(rng, topic):
    if rng.random() < 0.3:
        text = rng.choice(topic.direct) + "?"
    else:
        form = rng.choice([f for f in ASKS if "again" not in f] if topic.about.startswith("what") else ASKS)
        text = form.format(i=topic.indirect, d=rng.choice(topic.direct), about=topic.about)
    return dressed(rng, capital(text))


def answered(rng, topic, v, question=""):
    if rng.random() < 0.35 and not re.search(r"about|did I say|did i say", question):
        return topic.brief(v)
    full = topic.full(v) if rng.random() < 0.7 else yours(topic.clause(rng, v))
    return fill(rng.choice(FULL), topic, v, t=full)


def question(rng, topic, v):
    q = asked(rng, topic)
    return q, answered(rng, topic, v, q)


def pause(rng, other, number=None):
    """Talk about something else, of which none asks for what the visitor has told."""
    turns = []
    for _ in range(rng.choice([0, 0, 0, 1, 1, 1, 2, 3]) if number is None else number):
        if rng.random() < 0.3:
            turns.append(rng.choice(SMALL))
            continue
        for _ in range(5):
            found = other(rng)[:1]
            if not re.search(r"\b(my|i|me|you|your)\b", found[0][0].lower()) and sum(len(text.split()) for text in found[0]) < 70:
                turns += found
                break
    return turns


def values(rng, topics):
    """A value for each, no two the same."""
    got = []
    for topic in topics:
        v = rng.choice(topic.values)
        while v.lower() in [g.lower() for g in got]:
            v = rng.choice(topic.values)
        got.append(v)
    return got


def changed(rng, topic, v, old):
    return fill(rng.choice(CHANGED), topic, yours(v), yours(old), t=topic.full(v)) if rng.random() < 0.68 else rng.choice(CHANGED_BARE)


def told_first(rng, other, number):
    """So many things told, each in its turn or two in one message; what was told, and the turns."""
    topics = rng.sample(TOPICS, number)
    known = list(zip(topics, values(rng, topics)))
    turns, i = [], 0
    while i < number:
        topic, v = known[i]
        if i + 1 < number and rng.random() < 0.35:
            second, w = known[i + 1]
            text = rng.choice(["{a}, and {b}.", "{a}. {B}.", "{a}. Also, {b}.", "{a}. And {b}.", "{a}; {b}.", "Two things: {a}, and {b}."]).format(a=topic.clause(rng, v), b=second.clause(rng, w), B=capital(second.clause(rng, w)))
            turns.append((capital(text) if {topic.pool, second.pool} & {"seats", "gates", "flights"} else dressed(rng, capital(text)), rng.choice(HEARD) if rng.random() < 0.6 else capital(f"{topic.full(v)}, and {second.full(w)}. " + rng.choice(HEARD[:8]))))
            i += 2
        else:
            turns.append((tell(rng, topic, v), heard(rng, topic, v)))
            i += 1
        if i < number and rng.random() < 0.25:
            turns += pause(rng, other, 1)
    return known, turns


def remembered(rng, other):
    known, turns = told_first(rng, other, rng.choice([1, 1, 2, 2, 3, 4]))
    turns += pause(rng, other)
    for topic, v in rng.sample(known, min(len(known), rng.choice([1, 1, 2]))):
        turns.append(question(rng, topic, v))
    return turns


def corrected(rng, other):
    """One of the things told is corrected, at once or later, once or twice; the other stays."""
    known, turns = told_first(rng, other, rng.choice([1, 1, 1, 2, 2, 3]))
    late = len(known) > 1 or rng.random() < 0.25
    if rng.random() < 0.5 and late:
        turns += pause(rng, other, 1)
    which = rng.randrange(len(known)) if late else len(known) - 1
    topic, old = known[which]
    for _ in range(rng.choice([1, 1, 1, 1, 2])):
        new = rng.choice(topic.values)
        while new.lower() in [old.lower(), *(v.lower() for _, v in known)]:
            new = rng.choice(topic.values)
        forms = LATE + [f for f in CORRECT if "{o}" in f or "{t}" in f or "{T}" in f] if late else CORRECT
        text = fill(rng.choice(forms), topic, new, old, t=topic.clause(rng, new))
        turns.append((text if topic.pool in ("seats", "gates", "flights") else dressed(rng, text), changed(rng, topic, new, old)))
        old = new
    known[which] = topic, old
    turns += pause(rng, other)
    turns.append(question(rng, topic, old))
    if len(known) > 1 and rng.random() < 0.6:
        turns.append(question(rng, *rng.choice([k for i, k in enumerate(known) if i != which])))
    elif rng.random() < 0.25:
        turns.append(yes_no(rng, topic, old))
    return turns


def yes_no(rng, topic, v):
    said = v if rng.random() < 0.5 else rng.choice(topic.values)
    q = rng.choice(["Did I say that {t}?", "Did I tell you that {t}?", "Is it right that {t}?", "I said that {t}, right?", "Is it true that {t}?", "Am I right that {t}?", "So {t}, yes?", "Did you understand that {t}?", "{T}, correct?", "Yes or no: {t}?"])
    clause = topic.tells[0].format(v=said)
    q = dressed(rng, capital(q.format(t=clause, T=capital(clause))))
    if said == v:
        return q, rng.choice(["Yes.", "Yes, {t}.", "Yes, that is right: {t}.", "Yes, you said that {t}.", "Right, {t}."]).format(t=topic.full(v))
    return q, rng.choice(["No, {t}.", "No. {T}.", "No, you said that {t}.", "No, you told me that {t}.", "Not quite: {t}."]).format(t=topic.full(v), T=capital(topic.full(v)))


def checked(rng, other):
    known, turns = told_first(rng, other, rng.choice([1, 2, 2, 3]))
    turns += pause(rng, other)
    for topic, v in rng.sample(known, min(len(known), 2)):
        turns.append(yes_no(rng, topic, v) if rng.random() < 0.7 else question(rng, topic, v))
    return turns


def both(rng, other):
    """Two things asked at once."""
    known, turns = told_first(rng, other, rng.choice([2, 2, 3, 4]))
    turns += pause(rng, other)
    (x, v), (y, w) = rng.sample(known, 2)
    q = rng.choice(["{d} and {e}?", "tell me {i} and {j}.", "do you remember {i} and {j}?", "can you tell me {i} and {j}?", "please repeat {i} and {j}.", "two questions: {d}, and {e}?", "remind me {i} and {j}.", "I forgot two things: {i} and {j}.", "first, {d}? And second, {e}?", "{d}? And {e}?", "what did I say about {a} and about {b}?"])
    q = q.format(i=x.indirect, j=y.indirect, d=rng.choice(x.direct), e=rng.choice(y.direct), a=x.about, b=y.about)
    s, t = x.full(v), y.full(w)
    turns.append((dressed(rng, capital(q)), capital(rng.choice(["{s}, and {t}.", "{s}. {T}.", "{s}, and {t}.", "You said that {s} and that {t}."]).format(s=s, t=t, T=capital(t)))))
    return turns


def missing(rng, other):
    """What was not told, asked for among what was; told after that, now and then."""
    known, turns = told_first(rng, other, rng.choice([1, 1, 2, 3]))
    turns += pause(rng, other, rng.choice([0, 0, 1]))
    told = {topic for topic, _ in known}
    topic = rng.choice([t for t in TOPICS if t not in told])
    ask = lambda: dressed(rng, capital(rng.choice([d + "?" for d in topic.direct] + ["do you know " + topic.indirect + "?", "tell me " + topic.indirect + ".", "did I tell you " + topic.indirect + "?", "what did I say about " + topic.about + "?", "do you remember " + topic.indirect + "?"])))
    turns.append((ask(), rng.choice(NEVER).format(i=yours(topic.indirect))))
    if rng.random() < 0.4:
        v = values(rng, [topic])[0]
        turns.append((tell(rng, topic, v), heard(rng, topic, v)))
        turns.append(question(rng, topic, v))
    if rng.random() < 0.6:
        turns.append(question(rng, *rng.choice(known)))
    return turns


SECRETS = split("banana, lantern, river, thunder, pepper, window, castle, velvet, pirate, marble, cactus, button, island, feather, rocket, candle, mountain, whistle, turtle, puzzle, saffron, compass, meadow, blanket, hammer, orchid, walnut, dragon, pocket, ladder, sailor, magnet, violin, harvest, igloo, jungle, kettle, lemon, mirror, needle, olive, parrot, quilt, ribbon, spoon, tunnel, umbrella, valley, wizard, yellow bird, zebra, amber, bridge, cloud, drum, elbow, forest, glove, honey, ink")
KEEP = ["Remember the {w} {v}.", "Remember the {w} {v} please.", "Please remember the {w} {v}.", "Remember this {w}: {v}", "Can you remember the {w} {v} for me?", "Keep the {w} {v} in mind.", "Keep {v} in mind, it is my {w}.", "I will ask you for the {w} later. It is {v}.", "The {w} is {v}. Remember it.", "Save this {w}: {v}", "Store the {w} {v}.", "Note the {w} {v}, please.", "Here is a {w}: {v}. Don't forget it.", "{v} is the {w}. Please keep it.", "Memorise this {w}: {v}.", "Hold on to this {w} for me: {v}", "My {w} is {v}. I will need it again.", "For now, just remember {v}. That is the {w}.", "Let's play a memory game. The {w} is {v}.", "remember {w} {v}", "Try to remember the {w} {v}.", "I want you to remember a {w}: {v}", "Do not forget the {w} {v}.", "Bear in mind the {w} {v}.", "Take note: {w} {v}."]
KEPT = ["I will keep it in mind for this chat.", "I will remember {v} in this chat.", "Okay, I will keep {v} in mind.", "{v}, noted.", "All right, I will keep {v} in mind for this chat.", "Sure, I will remember it as long as this chat lasts.", "Noted: {v}.", "Of course. The {w} is {v}.", "Okay, {v}. Ask me when you need it.", "Got it: {v}.", "I'll keep that in mind here."]
GIVE = ["What was the {w}?", "What {w} did I ask you to remember?", "Which {w} did I give you?", "What is the {w}?", "Tell me the {w}.", "What was the {w} again?", "the {w} please", "Now give me the {w}.", "Do you still have the {w}?", "Please repeat the {w}.", "Which {w} did you keep for me?", "Can you give me back the {w}?", "I need the {w} now.", "What was it that I asked you to remember?", "What did you keep in mind for me?", "{w}?", "And the {w}?", "Do you remember the {w}?", "Say the {w}.", "What's the {w} I told you?", "Could you tell me the {w} I gave you?", "The {w} was ...?"]
GIVEN = ["{v}", "{v}.", "The {w} is {v}.", "It is {v}.", "The {w} was {v}.", "You asked me to remember {v}.", "It was {v}.", "The {w} you gave me is {v}."]


def secret(rng):
    draw = rng.random()
    if draw < 0.55:
        digits = rng.choice([1, 2, 2, 3, 3, 4, 4, 5, 6, 7])
        return rng.choice(["number", "number", "number", "code", "PIN" if digits == 4 else "number", "secret number"]), str(rng.randrange(10 ** (digits - 1), 10 ** digits))
    if draw < 0.75:
        return rng.choice(["word", "word", "secret word", "code word", "password"]), rng.choice(SECRETS)
    if draw < 0.83:
        return "colour", rng.choice(COLOURS)
    if draw < 0.92:
        return "code", "".join(rng.choice("ABCDEFGHKLMNPRSTUVWXYZ") for _ in range(rng.choice([1, 2, 3]))) + rng.choice(["", "-"]) + str(rng.randrange(10, 10 ** rng.choice([2, 3, 4])))
    return "name", rng.choice(NAMES)


def kept(rng, other):
    """A number, word or code to be given back exactly."""
    w, v = secret(rng)
    turns = [(rng.choice(KEEP).format(w=w, v=v), rng.choice(KEPT).format(w=w, v=v))]
    twice = rng.random() < 0.15
    if twice:
        w2, v2 = secret(rng)
        twice = w2.split()[-1] != w.split()[-1] and {w2, w} not in ({"PIN", "number"}, {"PIN", "code"}, {"number", "code"}) and "code word" not in (w, w2)
        if twice:
            turns.append((rng.choice(KEEP).format(w=w2, v=v2), rng.choice(KEPT).format(w=w2, v=v2)))
    turns += pause(rng, other)
    if rng.random() < 0.25 and not twice:
        old = v
        while v == old:
            w, v = w, next(x for k, x in iter(lambda: secret(rng), None) if k.split()[-1] == w.split()[-1])
        form = rng.choice(["Sorry, the {w} is {v}.", "No, I meant {v}.", "Actually, make that {v}.", "Change the {w} to {v}.", "Not {o}, {v}.", "Forget {o}. The {w} is {v}.", "I was wrong, it is {v}.", "The {w} has changed: {v}", "Correction: {v}.", "Replace {o} with {v}, please.", "New {w}: {v}", "wait, it's {v}"])
        turns.append((form.format(w=w, v=v, o=old), rng.choice(["All right, {v}.", "Okay, the {w} is now {v}.", "Changed to {v}.", "Got it, {v} instead of {o}.", "Okay, I will keep {v} in mind.", "Thanks, I have corrected it."]).format(w=w, v=v, o=old)))
        turns += pause(rng, other, rng.choice([0, 1]))
    forms = [f for f in GIVE if "{w}" in f] if twice else GIVE
    for w, v in [(w, v)] + ([(w2, v2)] if twice else []):
        turns.append((capital(dressed(rng, rng.choice(forms).format(w=w))), rng.choice(GIVEN).format(w=w, v=v)))
    return turns


BOUGHT = split("apples, bread, milk, cheese, rice, soap, a comb, two lemons, flour, a newspaper, honey, eggs, carrots, a sponge, candles, butter, tea, stamps, a pen, oats, a cabbage, yoghurt, matches, jam, salt, pasta, a toothbrush, tomatoes, a pineapple, coffee, nails, string, mushrooms, a birthday card, olives, mustard, a notebook, plums, batteries, a broom")
ACTS = {"buy": ("bought", BOUGHT), "pack": ("packed", split("a towel, socks, a book, sun cream, a torch, three shirts, a toothbrush, a hat, sandals, a map, my passport, a raincoat, a pillow, a camera, swimming trunks, a water bottle, pyjamas, gloves, a jumper, a first-aid kit")), "see at the zoo": ("saw at the zoo", split("a lion, two zebras, a giraffe, a seal, monkeys, a tiger, an owl, penguins, a bear, flamingos, an elephant, a camel, a crocodile, wolves, a hippo")), "cook": ("cooked", split("soup, rice, beans, an omelette, a curry, pancakes, potatoes, fish, a plum cake, noodles, a pie, pumpkin")), "plant": ("planted", split("tulips, beans, a cherry tree, lettuce, roses, peas, onions, mint, a vine, radishes, sunflowers, basil, carrots, garlic")), "order": ("ordered", split("a pizza, a salad, onion soup, a glass of water, garlic bread, an ice cream, a coffee, pasta, a lemonade, a fish pie, chips"))}


def counted(rng, other):
    """Two to seven things told at once, one after the other or with one added or taken away; counted, listed, looked for."""
    verb, (past, pool) = rng.choice(list(ACTS.items()))
    place = " at the zoo" if "zoo" in verb else ""
    base, did = verb.replace(" at the zoo", ""), past.replace(" at the zoo", "")
    items = rng.sample(pool, rng.randint(2, 7))
    cut = rng.randint(1, len(items)) if rng.random() < 0.4 else len(items)
    turns = [(dressed(rng, rng.choice(["I {p} {l}{z}.", "Today I {p} {l}{z}.", "This morning I {p} {l}{z}.", "I have just told my sister that I {p} {l}{z}.", "Guess what I {p}{z}: {l}.", "Here is what I {p}{z}: {l}.", "Yesterday I {p} {l}{z}."]).format(p=did, l=listed(items[:cut]), z=place)), rng.choice(HEARD[:12] + ["That is quite something!", "Sounds good!"]))]
    if cut < len(items):
        turns += pause(rng, other, rng.choice([0, 0, 1]))
        turns.append((dressed(rng, rng.choice(["Oh, I also {p} {l}.", "And {l}.", "I forgot: I {p} {l}, too.", "{l}, too.", "Add {l} to that.", "Then I {p} {l} as well."]).format(p=did, l=listed(items[cut:]))).replace(" ,", ","), rng.choice(HEARD[:12])))
        turns[-1] = (capital(turns[-1][0]), turns[-1][1])
    if rng.random() < 0.3 and len(items) > 2:
        gone, new = rng.choice(items), rng.choice([p for p in pool if p not in items])
        if rng.random() < 0.5:
            items[items.index(gone)] = new
            turns.append((dressed(rng, rng.choice(["Sorry, not {g} but {n}.", "No wait, {n} instead of {g}.", "I was wrong, it was {n}, not {g}.", "Scratch {g}, I {p} {n}.", "Replace {g} with {n}."]).format(g=gone, n=new, p=did)), rng.choice([f"All right, {yours(new)} instead of {yours(gone)}.", f"Okay, {yours(new)}, not {yours(gone)}.", "Okay, I have changed that.", f"Got it: {yours(new)}."])))
        else:
            items.remove(gone)
            turns.append((dressed(rng, rng.choice(["Sorry, not {g}. The rest is right.", "I was wrong about one thing: I did not {b} {g}.", "Take {g} off the list, I did not {b} that.", "No wait, I did not {b} {g}."]).format(g=gone, b=base)), rng.choice([f"All right, without {yours(gone)}.", "Okay, I have taken that away.", f"Okay, not {yours(gone)}."])))
    turns += pause(rng, other)
    n, mine = len(items), [yours(i) for i in items]
    stranger = rng.choice([p for p in pool if p not in items and all(p not in q for q, _ in turns)] or [None])
    for draw in rng.sample(range(4), rng.choice([1, 1, 2])):
        if draw == 0 and not any(re.match("two|three", i) for i in items) and (n > 1):
            turns.append((dressed(rng, rng.choice(["How many things did I {b}{z}?", "How many different things did I {b}{z}?", "Count what I {p}{z}.", "How many were the things I {p}{z}?", "How many things are on my list?"]).format(b=base, p=did, z=place)), rng.choice(["{N}.", "You {p} {n} things: {l}.", "{N}: {l}.", "{N} things: {l}."]).format(N=capital(COUNTS[n]), n=COUNTS[n], p=did, l=listed(mine))))
        elif draw == 1:
            turns.append((dressed(rng, rng.choice(["What did I {b}{z}?", "What was it that I {p}{z}?", "List what I {p}{z}.", "Tell me all the things I {p}{z}.", "Repeat what I {p}{z}.", "Which things did I {b}{z}?"]).format(b=base, p=did, z=place)), rng.choice(["You {p} {l}.", "{L}.", "You {p} {l}{z}."]).format(p=did, l=listed(mine), L=capital(listed(mine)), z=place)))
        elif draw == 2:
            item = rng.choice(items)
            if stranger and rng.random() < 0.5:
                turns.append((dressed(rng, f"Did I {base} {stranger}{place}?"), rng.choice([f"No, you {did} {listed(mine)}.", "No, you did not mention that.", f"No, only {listed(mine)}."])))
            else:
                turns.append((dressed(rng, rng.choice([f"Did I {base} {item}{place}?", f"Did I say that I {did} {item}{place}?"])), rng.choice(["Yes.", f"Yes, you {did} {yours(item)}.", "Yes, you did."])))
        else:
            first = rng.random() < 0.5
            turns.append((dressed(rng, (rng.choice(["What did I name first?", "Which thing did I name first?", "What was the first thing I told you of?"]) if first else rng.choice(["What did I name last?", "Which thing stood last in my list?"])) if len(turns) < 3 and cut == n and len(turns) == 1 else f"What did I {base}{place}?"), capital(mine[0] if first else mine[-1]) + "." if len(turns) == 1 and cut == n else f"You {did} {listed(mine)}."))
    return turns


MEASURES = [("is {n} years old", range(5, 80), "older", "younger", "oldest", "youngest", "years", ""), ("is {n} centimetres tall", range(120, 200), "taller", "shorter", "tallest", "shortest", "centimetres", ""), ("ran {n} kilometres", range(2, 40), "farther", "less far", "farthest", "least far", "kilometres", "ran"), ("has {n} books", range(3, 90), "richer in books", "poorer in books", "", "", "books", ""), ("scored {n} points", range(3, 60), "higher", "lower", "highest", "lowest", "points", "scored")]
PRICED = split("lamp, chair, coat, kettle, bag, radio, clock, rug, vase, tent, bike, scarf, table, mirror, guitar, watch")
EVENTS = split("dentist, lecture, choir, train, lunch with Ines, film, yoga class, meeting, football match, phone call, haircut, concert, piano lesson, bus")


def compared(rng, other):
    draw = rng.random()
    if draw < 0.5:
        form, span, more, less, most, least, unit, verb = rng.choice([m for m in MEASURES if m[4]])
        people = rng.sample(NAMES if rng.random() < 0.6 else ["my brother", "my sister", "my cousin", "my uncle", "my neighbour", "my friend", "my aunt", "my colleague", "my teacher"], rng.choice([2, 2, 3]))
        numbers = rng.sample(span, len(people))
        said = [f"{p} {form.format(n=n)}" for p, n in zip(people, numbers)]
        up = rng.random() < 0.6
        best = people[numbers.index((max if up else min)(numbers))]
        kin = [yours(p) for p in people]
        word = (more if up else less) if len(people) == 2 else (most if up else least)
        q = f"Who {verb or 'is'} {'the ' if len(people) > 2 and not verb else ''}{word}{', ' + listed(people, 'or') if rng.random() < 0.5 else ''}?"
        a_ = [f"{capital(yours(best))}.", f"{capital(yours(best))} {verb or 'is'} {'the ' if len(people) > 2 and not verb else ''}{word}.", f"{capital(yours(best))}, who {form.format(n=numbers[people.index(best)])}."]
        if len(people) == 2 and rng.random() < 0.4:
            gap = abs(numbers[0] - numbers[1])
            big, small = (kin if numbers[0] > numbers[1] else kin[::-1])
            q = f"How many {unit} {'lie between' if rng.random() < 0.3 else 'are between'} {people[0]} and {people[1]}?" if rng.random() < 0.5 else f"What is the difference between {people[0]} and {people[1]}?"
            word = unit[:-1] if gap == 1 else unit
            a_ = [f"{gap} {word}.", f"{max(numbers)} - {min(numbers)} = {gap}, so {gap} {word}."]
    elif draw < 0.75:
        things = rng.sample(PRICED, rng.choice([2, 2, 3]))
        numbers, coin = rng.sample(range(4, 200), len(things)), rng.choice(["euros", "dollars", "pounds"])
        said = [f"the {t} costs {n} {coin}" for t, n in zip(things, numbers)]
        up = rng.random() < 0.4
        best = things[numbers.index((max if up else min)(numbers))]
        word = ["more expensive", "cheaper"][not up] if len(things) == 2 else ["the most expensive", "the cheapest"][not up]
        q = rng.choice([f"Which one is {word}?", f"What is {word}, {listed(['the ' + t for t in things], 'or')}?", f"Which of them is {word}?"])
        a_ = [f"The {best}.", f"The {best} is {word}.", f"The {best}, for {numbers[things.index(best)]} {coin}."]
    else:
        things = rng.sample(EVENTS, rng.choice([2, 2, 3]))
        numbers = rng.sample([(h, m) for h in range(8, 21) for m in (0, 15, 30, 45)], len(things))
        clock = [f"{h}:{m:02}" for h, m in numbers]
        said = [f"the {t} is at {c}" for t, c in zip(things, clock)]
        early = rng.random() < 0.6
        best = things[numbers.index((min if early else max)(numbers))]
        q = rng.choice(["Which comes first?", "What is the first of them?", "Which is the earliest?" if len(things) > 2 else "Which is earlier?", "What do I have first?"] if early else ["Which comes last?", "What is the last of them?", "What do I have last?"])
        a_ = [f"The {best}.", f"The {best}, at {clock[things.index(best)]}.", f"The {best} at {clock[things.index(best)]} comes {'first' if early else 'last'}."]
    if rng.random() < 0.5:
        turns = [(dressed(rng, capital(listed(said)) + "."), rng.choice(HEARD))]
    else:
        turns = [(dressed(rng, capital(s) + "."), rng.choice(HEARD)) for s in said]
    return turns + pause(rng, other) + [(dressed(rng, q), rng.choice(a_))]


SORTS = [("has {v}", "What does {k} have?", "Who has {v}?", "have", split("a parrot, a goat, a blue car, a piano, a boat, a tall ladder, a red bike, a big garden, a drum, twin sisters, a pony, a telescope, a tent, a black cat, a green hat")), ("plays {v}", "What does {k} play?", "Who plays {v}?", "play", POOLS["instruments"]), ("lives in {v}", "Where does {k} live?", "Who lives in {v}?", "live in", CITIES), ("likes {v}", "What does {k} like?", "Who likes {v}?", "like", FOODS), ("brings {v}", "What does {k} bring?", "Who brings {v}?", "bring", split("the bread, the salad, the cups, a cake, the music, the lemonade, the chairs, the plates, the cheese, some candles, the ice, the grill")), ("comes on {v}", "When does {k} come?", "Who comes on {v}?", "come on", DAYS), ("is learning {v}", "What is {k} learning?", "Who is learning {v}?", "learn", split("Greek, Welsh, Polish, Arabic, Korean, Danish, Italian, Turkish, Latin, Hindi")), ("works as {v}", "What does {k} do?", "Who works as {v}?", "work as", POOLS["jobs"]), ("sits in the {v} row", "In which row does {k} sit?", "Who sits in the {v} row?", "sit in", split("first, second, third, fourth, fifth, last"))]


def whose(rng, other):
    """Several people, each with something; one of it changes hands or is corrected."""
    has, what, who, _, pool = rng.choice(SORTS)
    people = rng.sample(NAMES, rng.choice([2, 3, 3, 4]))
    got = dict(zip(people, rng.sample(pool, len(people))))
    said = [f"{k} {has.format(v=v)}" for k, v in got.items()]
    if rng.random() < 0.6:
        turns = [(capital(rng.choice(["{l}.", "Listen: {l}.", "About my friends: {l}.", "Some facts: {l}."]).format(l=listed(said))), rng.choice(HEARD))]
    else:
        turns = [(dressed(rng, s + "."), rng.choice(HEARD)) for s in said]
    turns += pause(rng, other, rng.choice([0, 0, 1, 2]))
    if rng.random() < 0.35:
        k = rng.choice(people)
        old, new = got[k], rng.choice([v for v in pool if v not in got.values()])
        got[k] = new
        text = rng.choice(["Sorry, {k} {n}.", "No wait, {k} {n}.", "I was wrong about {k}: {k} {n}.", "Correction: {k} {n}.", "{k} {n}, not {o}.", "Actually, {k} {n}.", "About {k}: {n}, I mixed that up."]).format(k=k, n=has.format(v=new), o=old if "{v} row" not in has else "the " + old)
        turns.append((dressed(rng, text), rng.choice([f"All right, {k} {has.format(v=new)}.", f"Okay, so {k} {has.format(v=new)}.", "Okay, I have changed that.", "Thanks for the correction."])))
        turns += pause(rng, other, rng.choice([0, 0, 1]))
    for k in rng.sample(people, rng.choice([1, 2])):
        v = got[k]
        if rng.random() < 0.5:
            turns.append((dressed(rng, rng.choice(["{q}", "And {r}", "Tell me: {r}", "Do you remember? {q}", "Now, {r}"]).format(q=what.format(k=k), r=lower_first(what.format(k=k)))), rng.choice([f"{k} {has.format(v=v)}.", f"{k} {has.format(v=v)}.", f"You said that {k} {has.format(v=v)}."])))
        else:
            q = who.format(v=v)
            turns.append((dressed(rng, rng.choice(["{q}", "And {r}", "Tell me: {r}", "Do you remember {s}?", "Now, {r}"]).format(q=q, r=lower_first(q), s=lower_first(q).rstrip("?"))), rng.choice([f"{k}.", f"{k} {has.format(v=v)}.", f"That is {k}."])))
    return turns


def own_answer(rng, other):
    """What the assistant itself said before."""
    turns = pause(rng, other, 2)
    turns = [t for t in turns if t not in SMALL and len(t[1].split()) < 40 and "\n" not in t[0] + t[1]][:1] or [("What is the capital of Portugal?", "The capital of Portugal is Lisbon.")]
    q, r = turns[0]
    later = pause(rng, other, rng.choice([0, 0, 1, 1]))
    if later or rng.random() < 0.4:
        back = rng.choice(['What did you answer when I asked "{q}"?', 'I asked you "{q}". What did you say?', 'What was your answer to "{q}"?', 'Can you repeat your answer to "{q}"?', "What was your first answer in this chat?", "Repeat your first answer, please."]).format(q=q)
    else:
        back = rng.choice(["What did you just say?", "Sorry, what was that again?", "Can you say that again?", "Please repeat your answer.", "What was your answer?", "I did not catch that. What did you say?", "Once more, please?", "say again?", "Come again?", "Could you repeat that?"])
    turns += later + [(back, r if rng.random() < 0.7 else "I said: " + r)]
    return turns + ([] if rng.random() < 0.5 else remembered(rng, other)[:4])


FORMS = [remembered] * 7 + [corrected] * 8 + [checked] * 3 + [both] * 3 + [missing] * 3 + [kept] * 5 + [counted] * 3 + [compared] * 3 + [whose] * 4 + [own_answer]


def notes(rng, other):
    turns = rng.choice(FORMS)(rng, other)
    while not 2 <= len(turns) <= 7:
        turns = rng.choice(FORMS)(rng, other)
    return turns
