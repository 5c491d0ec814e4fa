"""Stories with what was asked for: each figure, thing and place that the visitor names stands in them.

A plot of tables/plots.txt has a wish or trouble, what a second figure does about it, a turn and an end; heroes, things and places are drawn."""
import re

from .lists import BOYS, GIRLS
from .phrasing import a, capital
from .rows import lines

PLOTS, SKY_PLOTS = [], []
for _line in lines("plots"):
    if _line.startswith("#"):
        _into = SKY_PLOTS if "sky" in _line else PLOTS
    else:
        _into.append([part.strip() for part in _line.split("|")])

ANIMALS = """fox, owl, mouse, bear, rabbit, hedgehog, squirrel, frog, duck, turtle, cat, dog, goat, donkey, sheep, pony, goose, swan, crow, raven, mole, badger, otter, beaver, deer, wolf, lion, tiger, elephant, giraffe, monkey, parrot, penguin, seal, polar bear, kangaroo, koala, panda, camel, zebra,
hippo, crocodile, snail, bee, butterfly, ladybird, ant, cricket, spider, dragonfly, crab, seagull, pelican, stork, robin, sparrow, pigeon, rooster, hen, lamb, calf, piglet, puppy, kitten, hamster, guinea pig, lizard, toad, bat, moose, lynx, raccoon, chipmunk, tortoise, flamingo, peacock, woodpecker, sloth, llama, dormouse""".replace("\n", " ").split(", ")
PEOPLE = {"girl": 1, "boy": 0, "princess": 1, "prince": 0, "queen": 1, "king": 0, "witch": 1, "wizard": 0, "grandmother": 1, "grandfather": 0, "mermaid": 1, "fisherman": 0, "baker": 2, "gardener": 2, "sailor": 2, "pirate": 2, "knight": 2, "shepherd": 2, "clockmaker": 2, "painter": 2, "teacher": 2, "farmer": 2, "lighthouse keeper": 2, "postman": 0, "doctor": 2, "cook": 2, "astronaut": 2, "inventor": 2, "musician": 2, "tailor": 2, "librarian": 2, "bus driver": 2, "explorer": 2, "child": 2}
BEINGS = "dragon, robot, giant, elf, fairy, ghost, troll, unicorn, dwarf, snowman, teddy bear, scarecrow, alien, little cloud, wooden puppet, toy soldier, tin clown, rag doll, goblin, gnome".split(", ")
THINGS = "kite, key, lantern, drum, umbrella, bicycle, hat, scarf, map, flute, bell, ring, ball, balloon, teapot, clock, suitcase, boat, ladder, flower, feather, shell, pumpkin, blanket, violin, telescope, compass, book, candle, basket, button, mirror, cup, jar, wagon, sled, trumpet, stone, coin, box, lamp, paintbrush, whistle, top, music box, puzzle, pillow, apple, cake, chair, guitar, doll, toy train, snow globe, picture, glove, pocket watch, bucket, jacket, letter".split(", ")
LOOKS = "red, blue, green, yellow, golden, silver, purple, old, tiny, shiny, big, little, white, striped, wooden, orange, round, strange, beautiful, heavy".split(", ")
SKY = "moon, evening star, full moon, silver moon, brightest star, pale moon, golden moon, bright star".split(", ")
BY_DAY = "wanted to touch|had never seen|wanted to paint|waited all day|made up a song|wrote a letter|told everyone|was sad because"  # what may be done with a rainbow, too
TEMPERS = "sleepy, brave, shy, clever, curious, lonely, cheerful, hungry, lazy, friendly, tiny, old, young, kind, clumsy, grumpy, merry, quiet, forgetful, gentle, proud, wise, funny, little, busy".split(", ")
PLACES = "at the beach, in a deep forest, on a small farm, by a quiet lake, in an old castle, in the mountains, on an island, in a big city, in a garden, in a library, at a railway station, in a little village, in the desert, in the snow, on a ship, in a lighthouse, at the zoo, in a toy shop, in a meadow, in a windmill, in a market square, in a museum, at school, in a tree house, by the sea, in a bakery, in a jungle, on a hill, at the harbour, in a cave, in a park, at the circus, in a valley, in an attic, on a bridge, by a river, in a barn, in an orchard, behind the school, in a kitchen, in a quiet street, at the edge of the world".split(", ")
PET_LIKE = "Pip, Momo, Bruno, Tilly, Fips, Nuna, Rollo, Juno, Bobo, Kiki, Fenn, Ziggy, Pebble, Clover, Bramble, Toto, Mimi, Rusty, Hazel, Otto, Luna, Pepper, Willow, Dot, Biscuit, Marlo, Suki, Timo, Poppy, Nibs".split(", ")


class Figure:
    """Who plays in a story: a kind with an adjective, a name or both."""

    def __init__(self, rng, kind=None, named=None):
        self.kind = kind or rng.choice(ANIMALS if rng.random() < 0.6 else list(PEOPLE) if rng.random() < 0.6 else BEINGS)
        sex = PEOPLE.get(self.kind, 2)
        self.girl = rng.random() < 0.5 if sex == 2 else bool(sex)
        named = rng.random() < 0.5 if named is None else named
        self.name = "" if not named else rng.choice(PET_LIKE) if self.kind not in PEOPLE else rng.choice(GIRLS if self.girl else BOYS)
        self.temper = rng.choice(TEMPERS) if rng.random() < 0.45 and not self.kind.startswith("little") else ""
        self.it = not self.name and self.kind not in PEOPLE
        self.he, self.him, self.his = ("it", "it", "its") if self.it else ("she", "her", "her") if self.girl else ("he", "him", "his")

    def whole(self):
        return (self.temper + " " + self.kind).strip()

    def new(self, rng):
        """How the figure comes in: "a shy fox called Pip"."""
        return a(self.whole()) + (f" {rng.choice(['called', 'named'])} {self.name}" if self.name else "")

    def ref(self):
        return self.name or "the " + self.kind


STORY = ["a story", "a short story", "a very short story", "a little story", "a bedtime story", "a fairy tale", "a tale", "a small tale", "a nice story", "a funny little story", "a story for children", "a goodnight story", "a tiny story", "a sweet story", "an adventure story"]
ASKING = ["Tell me {s} {w}.", "Write {s} {w}.", "{S} {w}, please.", "Can you tell me {s} {w}?", "Make up {s} {w}.", "I would like {s} {w}.", "Please tell {s} {w}.", "Could you write {s} {w}?", "Please invent {s} {w}.", "I want {s} {w}.", "{S} {w}", "Give me {s} {w}.", "Do you know {s} {w}?", "May I hear {s} {w}?", "Think of {s} {w}.", "My daughter wants {s} {w}.", "My son would like {s} {w}.", "For my little sister: {s} {w}.", "We need {s} {w}.", "Now {s} {w}.", "I need {s} {w} for tonight.", "Read me {s} {w}.", "Will you tell me {s} {w}?", "How about {s} {w}?", "Let me hear {s} {w}.",
          "Samba, tell me {s} {w}.", "Please write me {s} {w}.", "Can I have {s} {w}?", "Hi! {S} {w}, please.", "Compose {s} {w}.", "Tell us {s} {w}.", "Would you tell {s} {w}?", "I'd love {s} {w}.", "Could I get {s} {w}?", "My kids ask for {s} {w}.", "Create {s} {w}.", "It is bedtime. Tell {s} {w}.", "I feel like {s} {w}.", "Help me with {s} {w}.", "What about {s} {w}?", "For the class: {s} {w}.", "Come up with {s} {w}.", "tell me {s} {w}", "write {s} {w}", "{s} {w} pls", "One more: {s} {w}."]
SIZES = {2: ["in two sentences", "in 2 sentences", "two sentences long", "of two sentences"], 3: ["in three sentences", "in 3 sentences", "three sentences long", "of three sentences"], 4: ["in four sentences", "in 4 sentences", "of four sentences"], 5: ["in five sentences", "in 5 sentences", "of five sentences"]}
FIRST = ["Once upon a time there was {new} {p}", "There once was {new} {p}", "{P} there lived {new}", "Long ago {new} lived {p}", "{New} lived {p}", "{P} lived {new}"]
MEETING = ["Soon {new} came by.", "Then {H} met {new}.", "Not far away there was {new}.", "Just then {new} came along.", "{New} had seen everything.", "Luckily there was {new}."]
TALKS = ['"What is the matter?" asked {S}.', '"Can I help you?" asked {S}.', '"Let us do it together," said {S}.', '"I have an idea," said {S}.', '"Hello there!" said {S}.', '"Two can do more than one," said {S}.']
FEELS = ["{H} thought about it day and night.", "{H} sighed deeply.", "It was not easy at all.", "Nobody seemed to know what to do.", "{H} did not know what to do.", "{H} told the birds about it, but they only sang."]
LASTS = ["And that is the end of the story.", "And so the day ended well.", "That night they both slept well.", "And if they are not asleep, they are still laughing.", "It was a day that neither of them ever forgot.", "And above them the stars came out one by one.", "They smiled at each other and said good night.", "From that day on they were the best of friends."]


def sentence(text):
    text = capital(text.removeprefix("and "))
    return text if text[-1] in ".!?" else text + "."


def scene(rng, friends=False):
    """Two figures, a thing or a light of the sky, and a place; the plot with the names in it."""
    sky = rng.random() < 0.25
    draw = (lambda: Figure(rng, rng.choice(["girl", "boy"]), True)) if friends else (lambda: Figure(rng))
    hero, second = draw(), draw()
    while not friends and second.kind == hero.kind or second.name == hero.name != "" or not friends and (hero.kind in second.kind or second.kind in hero.kind):
        second = draw()
    thing = rng.choice(SKY) if sky else (rng.choice(LOOKS) + " " if rng.random() < 0.6 else "") + rng.choice(THINGS)
    plot = rng.choice(SKY_PLOTS if sky else PLOTS)
    if sky and rng.random() < 0.5 and re.match(BY_DAY, plot[0]):
        thing = "rainbow"
    elif "end of" in plot[0]:
        thing = "rainbow"
    words = dict(H=hero.ref(), S=second.ref(), he=hero.he, him=hero.him, his=hero.his, x=thing)
    parts = [re.sub(r"\ba (?=[aeiou])", "an ", part.format(**words)) for part in plot]
    return sky, hero, second, thing, rng.choice(PLACES), parts


def told(rng, size, hero, second, place, parts, friends):
    """The story in as many sentences as are asked for; in short paragraphs where no number is."""
    wish, does, turn, end = parts
    early = second.ref() in wish
    new, other = hero.new(rng), second.new(rng)
    brought_in = does.replace(second.ref(), other, 1) if does.startswith(second.ref()) else f"{other} was there, too, and {does}"
    start = f"{place}, {new} {wish}" if rng.random() < 0.5 else f"one day {place}, {new} {wish}"
    if friends:
        pair = f"{hero.name} and {second.name}"
        brought_in, start = does, f"{pair} were {place}, and {hero.name} {wish}"
    elif early:
        brought_in, start = does, start.replace(second.ref(), other)
    if size == 2:
        return f"{sentence(start)} {sentence(brought_in + ', and ' + turn.removeprefix('and ').removeprefix('but '))}"
    if size == 3:
        return " ".join([sentence(start), sentence(brought_in + ", and " + turn.removeprefix("and ").removeprefix("but ")), sentence(end)])
    if size == 4:
        return " ".join(map(sentence, [start, brought_in, turn, end]))
    if size == 5:
        return " ".join([*map(sentence, [start, brought_in, turn, end]), rng.choice(LASTS)])
    fill = lambda form, who: sentence(form.format(new=who.new(rng), New=capital(who.new(rng)), p=place, P=capital(place), H=hero.ref(), S=second.ref()))
    if friends:
        opening = f"{hero.name} and {second.name} were {rng.choice(['best friends', 'good friends', 'friends'])}. One day they were {place}."
        middle = []
    else:
        opening = fill(rng.choice(FIRST), hero)
        middle = [fill(rng.choice(MEETING), second)]
    if early and not friends:
        opening += f" {capital(second.new(rng))} lived next door."
        middle = []
    begin = rng.choice(["One day {w}", "One morning {w}", "One evening {w}"]) if not friends else "There {w}"
    first = opening + " " + sentence(begin.format(w=f"{hero.ref()} {wish}"))
    if rng.random() < 0.5 and not early:
        first += " " + capital(rng.choice(FEELS).format(H=hero.ref()))
    if rng.random() < 0.5 and not early:
        middle.append(rng.choice(TALKS).format(S=second.ref()))
    body = " ".join(middle + [sentence(does), sentence(turn)])
    last = sentence(end) + (" " + rng.choice(LASTS) if rng.random() < 0.6 else "")
    return "\n\n".join([first, body, last]) if rng.random() < 0.6 else " ".join([first, body, last])


def wanted(rng, sky, hero, second, thing, place, friends):
    """What of it the visitor asks for."""
    the_thing = "the " + thing if sky else a(thing)
    h, s = hero.new(rng), second.new(rng)
    at = " " + place if rng.random() < 0.45 else ""
    if friends:
        return rng.choice(["about two friends, {h} and {s},{p}", "about {h} and {s}{p}", "with {h} and {s}{p}", "about two friends called {h} and {s}{p}", "about {h}, {s} and {x}{p}", "in which {h} and {s} find something out{p}"]).format(h=hero.name, s=second.name, x=the_thing, p=at).rstrip(",")
    return rng.choice(["about {h}{p}", "about {h} and {s}{p}", "about {h} and {s}{p}", "about {h} and {x}{p}", "about {h} and {x}{p}", "with {h} and {x}{p}", "with {h} and {s}{p}", "with {h}, {s} and {x}{p}", "about {h}, {s} and {x}", "in which {h} meets {s}{p}", "where {h} meets {s}{p}", "that has {h} and {x} in it", "with {x} and {h}{p}", "about {h} that takes place {q}", "with {h} in it and {x}", "about {x} and {h}", "in which there are {h}, {s} and {x}", "about {h} who meets {s}{p}", "set {q} with {h} and {x}", "that plays {q}, with {h} and {s}", "about {x}{p}", "about {s} and {h} with {x}{p}"]).format(h=h, s=s, x=the_thing, p=at, q=place)


def stories(rng):
    friends = rng.random() < 0.15
    sky, hero, second, thing, place, parts = scene(rng, friends)
    size = rng.choice([0, 0, 0, 0, 2, 3, 3, 4, 5])
    w = wanted(rng, sky, hero, second, thing, place, friends)
    s = rng.choice(STORY)
    if size:
        s, w = (s + " " + rng.choice(SIZES[size]), w) if rng.random() < 0.6 else (s, w + ", " + rng.choice(SIZES[size][:2]))
    question = rng.choice(ASKING).format(s=s, S=capital(s), w=w)
    draw = rng.random()
    question = question if draw < 0.6 else question.lower().rstrip(".?") if draw < 0.8 else question.rstrip(".") if draw < 0.9 else capital(w) + ": " + s + "." if w.startswith("about") else question
    text = told(rng, size, hero, second, place, parts, friends)
    turns = [(question, text)]
    draw = rng.random()
    if draw < 0.1 and hero.name and not friends:
        turns.append((rng.choice([f"What is the {hero.kind} called?", f"What was the {hero.kind}'s name?", f"And the name of the {hero.kind}?"]), rng.choice([f"{hero.name}.", f"The {hero.kind} is called {hero.name}."])))
    elif draw < 0.2:
        turns.append((rng.choice(["Where does the story take place?", "Where was that?", "Where does it happen?"]), rng.choice([f"{capital(place)}.", f"It takes place {place}."])))
    elif draw < 0.28:
        turns.append((rng.choice([f"Who else is in the story besides {hero.ref()}?", f"Who is with {hero.ref()} in the story?"]), capital(second.ref()) + "."))
    return turns
