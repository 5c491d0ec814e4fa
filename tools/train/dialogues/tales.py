"""Short stories with a beginning, a trouble and an end, and how-tos."""
import re

from .lists import BOYS, COLOURS, GIRLS
from .phrasing import a, capital, pick, styled
from .rows import questions

HEROES = {home: heroes.split(", ") for home, heroes in {
    "in a deep cave": "dragon, bear, bat, troll", "in a green forest": "fox, wolf, hedgehog, deer, squirrel, elf, fairy, owl", "in an old mill": "mouse, cat, miller, spider", "on a small farm": "dog, farmer, cow, goat, pig, sheep, hen, donkey, rooster, pony, horse, chick, tractor", "by a quiet pond": "frog, duck, turtle, goose, dragonfly, swan",
    "in a big castle": "knight, princess, king, queen, prince, ghost, cook", "in a little village": "girl, boy, baker, teacher, gardener, clockmaker, tailor, doctor, shoemaker, grandmother, puppy, kitten", "in a house by the sea": "fisherman, sailor, lighthouse keeper, painter, crab, seagull", "in a hut in the wood": "witch, wizard, hunter, raven", "on a high mountain": "giant, eagle, goat herd, snow leopard",
    "in a sunny garden": "snail, bee, ant, butterfly, caterpillar, mole, ladybird, apple tree, sunflower, pumpkin, worm", "on an old ship": "pirate, parrot, captain, ship's cat", "in a land of ice": "penguin, polar bear, seal, snowman, snowflake", "on a wide plain": "elephant, lion, giraffe, zebra, ostrich, kangaroo", "in the night sky": "star, moon, comet, cloud", "in a green valley": "train, tractor driver, shepherd, lamb, bus",
    "in a busy harbour": "boat, tugboat, whale watcher", "in a hot jungle": "monkey, tiger, crocodile, parrot, snake, dinosaur", "in the deep sea": "whale, dolphin, octopus, mermaid, fish, shark", "in a toy shop": "teddy bear, doll, robot, balloon, kite, toy car", "in a noisy city": "taxi driver, pigeon, robot, street lamp, musician, inventor", "in a kitchen cupboard": "teapot, cup, spoon, candle, biscuit", "on a far planet": "alien, astronaut, robot", "in a dusty library": "book, pencil, librarian, bookworm"}.items()}
# What is wrong, what the hero does about it, what the helper does; whether it is a state, which no day begins.
TROUBLES = [("lost {his} {thing}", "looked for it everywhere, but it was gone", "found the {thing} under a big leaf and brought it back", False), ("was afraid of the dark", "could not sleep at night and shook with fear", "showed {him} the stars, and they were so beautiful that {he} forgot to be afraid", True),
            ("could not {skill}", "tried again and again, and the others laughed", "taught {him} slowly, one small step at a time, until it worked", True), ("had no friends", "sat alone every day and watched the others play", "sat down beside {him} and stayed until the evening", True), ("wanted to see the sea", "did not know the way and was afraid to go alone", "knew the way and went along, and on the third day they saw the blue water", True),
            ("was always in a hurry", "ran past everyone and once fell into a ditch", "pulled {him} out and said that the day has hours enough", True), ("told a lie", "could not look at anyone, and the lie grew heavier every day", "listened to the truth and forgave {him}", False), ("broke the {colour} jug", "hid the pieces and felt bad all day", "helped to glue the jug, and it looked even better than before", False),
            ("had nothing to eat in the long winter", "knocked at many doors, but nobody opened", "shared a pot of warm soup with {him}", True), ("found a small {colour} egg", "kept it warm and waited day and night", "sat beside {him} when the egg broke and a little bird looked out", False), ("got lost in the fog", "called and called, but only the wind answered", "heard {him}, rang a bell, and led {him} home", False),
            ("wanted to win the big race", "trained every morning in rain and sun, but was always the last", "showed {him} how to breathe, and in the race {he} came in second and was as happy as a king", True), ("had a {colour} {thing} that everyone wanted", "held it tight and let no one touch it", "asked so kindly that {he} shared it, and it was much more fun for two", True), ("heard a strange noise every night", "lay awake and thought of monsters", "looked under the floor with {him}, and there sat a cricket that was singing", True),
            ("wanted to touch the moon", "climbed the highest tree, but the moon was still far away", "brought a bowl of water, and there the moon lay, so near that {he} could touch it", True), ("was too small to be of use", "could carry nothing and was always in the way", "had lost a key in a narrow hole, and only {he} was small enough to get it out", True), ("forgot {his} mother's birthday", "had no gift and no money", "helped {him} to pick wild flowers and to write a song", False),
            ("was sad because the rain did not stop", "looked out at the grey sky for days", "put on two big hats, and together they jumped into every puddle", True), ("wanted to be somebody else", "tried to sing like a bird and to roar like a lion", "said that no one else could laugh as {he} did, and so {he} was glad to be {himself}", True), ("found a letter without a name", "asked everyone, but nobody knew whose it was", "opened it and cried for joy, for it came from a brother who lived far away", False)]
SHES, HES = {"princess", "witch", "girl", "queen", "mermaid", "fairy", "hen", "cow", "grandmother"}, {"king", "knight", "boy", "farmer", "fisherman", "wizard", "pirate", "prince", "miller", "rooster"}
HELPERS = ["an old owl", "a little ant", "a friendly crow", "a small girl", "an old woman", "a wise tortoise", "a young goat", "a merry sailor", "a quiet boy", "a white goose", "a tiny mole", "a kind baker", "a grey donkey", "a blue butterfly"]
THINGS = ["hat", "ball", "kite", "drum", "lantern", "key", "scarf", "bell", "flute", "red boot", "golden ring", "map", "umbrella", "blanket", "spoon"]
SKILLS = ["sing", "swim", "fly a kite", "dance", "whistle", "read", "climb trees", "ride a bike", "bake bread", "skate", "jump", "paint"]
OPENINGS = ["Once upon a time there was {a_hero} called {name}. {He} lived {home}.", "{Home} there lived {a_hero}. {His} name was {name}.", "{name} was {a_small} {hero} who lived {home}.", "Long ago, {a_hero} named {name} lived {home}."]
ENDS = ["From that day on they were friends.", "That night {name} slept well and smiled.", "And {name} never forgot it.", "So everything was well in the end.", "{name} laughed, and all the others laughed with {him}.", "And if you pass by there, you can still hear them laugh.", "Since then {name} helps everyone who needs it.", "They ate cake together, and then they all went home."]
ASKED = ["Tell me a story about {h}.", "Write a short story about {h}.", "A story about {h}, please.", "Can you tell me a story about {h}?", "Make up a tale about {h}.", "story about {h}", "Tell me a short tale of {h}.", "I would like a story about {h}.", "Write a little story with {h}.", "Tell a bedtime story about {h}.", "Please write a story in which {h} is the hero."]


def story(random):
    home, heroes = random.choice(list(HEROES.items()))
    hero = random.choice(heroes)
    girl = hero in SHES or hero not in HES and random.random() < 0.5
    he, him, his = ("she", "her", "her") if girl else ("he", "him", "his")
    name = random.choice(GIRLS if girl else BOYS)
    thing, skill, colour = random.choice(THINGS), random.choice(SKILLS), random.choice(COLOURS[:8])
    had, tried, solved, state = random.choice(TROUBLES)
    words = dict(hero=hero, name=name, he=he, He=capital(he), him=him, his=his, His=capital(his), thing=thing, skill=skill, colour=colour, himself=him + "self", home=home, Home=capital(home), a_hero=a(random.choice(["", "", "little ", "young ", "clever ", "shy ", "brave ", "old "]) + hero),
                 a_small=a(random.choice(["small", "young", "friendly", "shy", "cheerful", "clever"])))
    fill = lambda text: text.format(**words)
    helper = random.choice([h for h in HELPERS if hero not in h])
    parts = [fill(random.choice(OPENINGS)), fill(f"{'But' if state else 'One day'} {name} {had}. {capital(he)} {tried}."),
             fill(random.choice([f'Then {helper} came by. "What is the matter?" asked the {helper.split(" ", 1)[1]}. {name} told everything.', f'{capital(helper)} saw {him}. "Can I help you?" it said softly.' if helper.split()[-1] in ("owl", "ant", "crow", "tortoise", "goat", "goose", "mole", "donkey", "butterfly") else f'{capital(helper)} saw {him} and asked, "Can I help you?"'])),
             fill(f"The {helper.split(' ', 1)[1]} {solved}."), fill(random.choice([f'"Thank you!" said {name}.', f"{name} was so glad that {he} jumped for joy.", f'"You are a true friend," said {name}.'])) + " " + fill(random.choice(ENDS))]
    text = "\n\n".join([" ".join(parts[:2]), " ".join(parts[2:4]), parts[4]]) if random.random() < 0.6 else " ".join(parts)
    about = random.choice([a(hero), f"{a(hero)} called {name}", a(random.choice(["little ", "brave ", "young "]) + hero)])
    if random.random() < 0.3:
        about = fill(f"{a(hero)} who {had}")
    turns = [(styled(random, random.choice(ASKED).format(h=about), after=False), text)]
    draw = random.random()
    if draw < 0.15:
        turns.append((random.choice([f"What is the name of the {hero}?", f"What was the {hero} called?", "Who is the hero of the story?"]), f"The {hero} is called {name}."))
    elif draw < 0.3:
        turns.append((random.choice([f"Who helped {name}?", "Who came to help?"]), f"{capital(helper)} helped {name}."))
    elif draw < 0.4:
        turns.append((random.choice(["Where does the story take place?", f"Where did {name} live?"]), f"{name} lived {home}."))
    return turns


HOWTO = questions("howto")
DOUBLED = set("stop cut get swim run put set sit knit plan wrap mop pet shop hem skip trim dig spot quit repot reset".split())  # stopping
TO_DO = ["What is the best way to {v}?", "Can you tell me how to {v}?", "how to {v}", "how do i {v}", "I want to {v}. How?", "I have no idea how to {v}.", "Explain how to {v}.", "Show me how to {v}.", "Teach me how to {v}.", "Any tips on how to {v}?",
         "What do I have to do to {v}?", "What must I do to {v}?", "Is there a trick to {v}?", "I need to {v}. What do I do?", "I'd like to {v}, but I don't know how.", "steps to {v}", "Help me {v}.", "What's an easy way to {v}?", "How does one {v}?", "Could you walk me through how to {v}?",
         "What are the steps to {v}?", "How should I go about it if I want to {v}?", "I've been told to {v}. Where do I start?", "easiest way to {v}", "Give me a short guide on how to {v}.", "tips to {v}", "Someone asked me how to {v}. What shall I say?", "I must {v} today. Please help.", "How exactly do you {v}?",
         "What's the right way to {v}?", "I don't know how to {v}. Can you help?", "Do you know how to {v}?", "In a few words, how do I {v}?", "What do I need to know to {v}?", "i wanna {v}, how"]
DOING = ["Any tips for {g}?", "Explain {g} to me.", "I'm new to {g}. Where do I begin?", "{g} for beginners", "I've never tried {g}. How does it work?", "Any trick for {g}?", "What is the secret of {g}?", "Tell me about {g}.", "What do I need to know about {g}?", "{g}: how does it go?", "I need help with {g}.",
         "How does {g} work?", "I am bad at {g}. Any advice?", "{g}, step by step please", "quick guide to {g}", "My first time {g}. What do I do?", "What's the right way of {g}?"]


def gerund(phrase):
    """"boil an egg" becomes "boiling an egg"."""
    verb, _, rest = phrase.partition(" ")
    if verb.endswith("ie"):
        verb = verb[:-2] + "y"
    elif verb.endswith("e") and not verb.endswith(("ee", "ye")) and verb != "be":
        verb = verb[:-1]
    elif verb in DOUBLED:
        verb += verb[-1]
    return (verb + "ing " + rest).strip()


def phrase_of(forms):
    """What is to be done: "boil an egg" of "How do I boil an egg?", none of a question of another shape."""
    found = re.fullmatch(r"How (?:do|can) I ([a-z][^.,?]*)\?", forms[0])
    return found and found[1]


def howto(random):
    """A question how something is done, in a form of its own or one that fits all, and its answer; now and then as a list of steps."""
    forms, answers = random.choice(HOWTO)
    answer, phrase = random.choice(answers), phrase_of(forms)
    if phrase and random.random() < 0.5:
        question = pick(random, TO_DO if random.random() < 0.7 else DOING, v=phrase, g=gerund(phrase))
    else:
        question = random.choice(forms)
    if question.startswith("How do") and random.random() < 0.4 and answer.count(". ") >= 2:
        steps = re.split(r"(?<=[.!])\s+", answer)
        return [(styled(random, question.rstrip("?.") + random.choice([" step by step?", "? List the steps.", "? Give me the steps.", "? Make a numbered list.", "? Answer as a list.", ", as a list?"])), "\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1)))]
    return [(styled(random, question), answer)]


def tales(random):
    return story(random) if random.random() < 0.6 else howto(random)
