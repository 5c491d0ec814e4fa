"""Short stories with a beginning, a trouble and an end, and how-tos."""
from .lists import BOYS, COLOURS, GIRLS
from .phrasing import a, capital, styled
from .rows import questions

HEROES = {"dragon": "cave", "fox": "forest", "mouse": "old mill", "rabbit": "green hill", "bear": "dark wood", "cat": "small shop", "dog": "farm", "robot": "workshop", "owl": "hollow tree", "frog": "pond", "knight": "castle", "princess": "tower", "girl": "village", "boy": "village", "farmer": "farm", "fisherman": "house by the sea",
          "witch": "hut in the wood", "giant": "mountain", "snail": "garden", "hedgehog": "garden", "pirate": "old ship", "baker": "little town", "king": "castle", "penguin": "land of ice", "elephant": "wide plain", "star": "night sky", "cloud": "blue sky", "train": "valley", "boat": "harbour", "squirrel": "tall oak", "unicorn": "meadow",
          "ghost": "empty house", "duck": "lake", "lion": "plain", "monkey": "jungle", "turtle": "beach", "bee": "garden", "horse": "stable", "wizard": "high tower", "snowman": "white yard"}
TROUBLES = [("had lost {his} {thing}", "looked for it everywhere, but it was gone", "found the {thing} under a big leaf and brought it back", "{thing}"), ("was afraid of the dark", "could not sleep at night and shook under the blanket", "showed {him} the stars, and they were so beautiful that {he} forgot to be afraid", "dark"),
            ("could not {skill}", "tried again and again, and the others laughed", "taught {him} slowly, one small step at a time, until it worked", "{skill}"), ("had no friends", "sat alone every day and watched the others play", "sat down beside {him} and shared a piece of bread", "friend"), ("wanted to see the sea", "did not know the way and was too small to go alone", "knew the way and went along, and on the third day they saw the blue water", "sea"),
            ("was always in a hurry", "ran past everyone and once fell into a ditch", "pulled {him} out and said that the day has hours enough", "hurry"), ("told a lie", "could not look at anyone, and the lie grew heavier every day", "listened to the truth and forgave {him}", "lie"), ("had broken the {colour} jug", "hid the pieces and felt bad all day", "helped to glue the jug, and it looked even better than before", "jug"),
            ("was very hungry in the long winter", "knocked at many doors, but nobody opened", "opened the door and gave {him} warm soup", "winter"), ("found a small {colour} egg", "kept it warm and waited day and night", "sat beside {him} when the egg broke and a little bird looked out", "egg"), ("got lost in the fog", "called and called, but only the wind answered", "heard {him}, rang a bell, and led {him} home", "fog"),
            ("wanted to win the big race", "trained every morning in rain and sun", "fell on the track, and so {he} stopped and helped, and both came in last and happy", "race"), ("had a {colour} {thing} that everyone wanted", "held it tight and let no one touch it", "asked kindly, and so {he} learned that sharing is more fun", "{thing}"), ("heard a strange noise every night", "lay awake and thought of monsters", "looked under the floor with {him}, and there sat a cricket that was singing", "noise")]
HELPERS = ["an old owl", "a little ant", "a friendly crow", "a small girl", "an old woman", "a wise tortoise", "a young goat", "a merry sailor", "a quiet boy", "a white goose", "a tiny mole", "a kind baker", "a grey donkey", "a blue butterfly"]
THINGS = ["hat", "ball", "kite", "drum", "lantern", "key", "scarf", "bell", "flute", "red boot", "golden ring", "map", "umbrella", "blanket", "spoon"]
SKILLS = ["sing", "swim", "fly a kite", "dance", "whistle", "read", "climb trees", "ride a bike", "bake bread", "skate", "jump", "paint"]
OPENINGS = ["Once upon a time there was {a_hero} called {name}. {He} lived in {home}.", "In {home} there lived {a_hero}. {His} name was {name}.", "{name} was {a_small} {hero} who lived in {home}.", "Long ago, {a_hero} named {name} lived in {home}."]
ENDS = ["From that day on they were friends.", "That night {name} slept well and smiled.", "And {name} never forgot it.", "So everything was well in the end.", "{name} laughed, and the whole {place} laughed with {him}.", "And if you pass by there, you can still hear them laugh.", "Since then {name} helps everyone who needs it.", "They ate cake together, and then they all went home."]
ASKED = ["Tell me a story about {h}.", "Write a short story about {h}.", "A story about {h}, please.", "Can you tell me a story about {h}?", "Make up a tale about {h}.", "story about {h}", "Tell me a short tale of {h}.", "I would like a story about {h}.", "Write a little story with {h}.", "Tell a bedtime story about {h}.", "Please write a story in which {h} is the hero."]


def story(random):
    hero, place = random.choice(list(HEROES.items()))
    girl = hero in ("princess", "witch", "girl") or hero not in ("king", "knight", "boy", "farmer", "fisherman", "wizard", "pirate") and random.random() < 0.5
    he, him, his = ("she", "her", "her") if girl else ("he", "him", "his")
    name = random.choice(GIRLS if girl else BOYS)
    thing, skill, colour = random.choice(THINGS), random.choice(SKILLS), random.choice(COLOURS[:8])
    had, tried, solved, key = random.choice(TROUBLES)
    words = dict(hero=hero, name=name, he=he, He=capital(he), him=him, his=his, His=capital(his), thing=thing, skill=skill, colour=colour, place=place, home="the night sky" if place == "night sky" else "the blue sky" if place == "blue sky" else a(place), a_hero=a(random.choice(["", "", "little ", "young ", "clever ", "shy ", "brave ", "old "]) + hero),
                 a_small=a(random.choice(["small", "young", "friendly", "shy", "cheerful", "clever"])))
    fill = lambda text: text.format(**words)
    helper = random.choice([h for h in HELPERS if hero not in h])
    parts = [fill(random.choice(OPENINGS)), fill(random.choice([f"One day {name} {had}. {capital(he)} {tried}.", f"But {name} {had}. {capital(he)} {tried}."])),
             fill(random.choice([f'Then {helper} came by. "What is the matter?" asked the {helper.split(" ", 1)[1]}. {name} told everything.', f'{capital(helper)} saw {him}. "Can I help you?" it said softly.' if helper.split()[-1] in ("owl", "ant", "crow", "tortoise", "goat", "goose", "mole", "donkey", "butterfly") else f'{capital(helper)} saw {him} and asked, "Can I help you?"'])),
             fill(f"The {helper.split(' ', 1)[1]} {solved}."), fill(random.choice([f'"Thank you!" said {name}.', f"{name} was so glad that {he} jumped for joy.", f'"You are a true friend," said {name}.'])) + " " + fill(random.choice(ENDS))]
    text = "\n\n".join([" ".join(parts[:2]), " ".join(parts[2:4]), parts[4]]) if random.random() < 0.6 else " ".join(parts)
    about = random.choice([a(hero), f"{a(hero)} called {name}", a(random.choice(["little ", "brave ", "young "]) + hero)])
    turns = [(styled(random, random.choice(ASKED).format(h=about), after=False), text)]
    draw = random.random()
    if draw < 0.15:
        turns.append((random.choice([f"What is the name of the {hero}?", f"What was the {hero} called?", "Who is the hero of the story?"]), f"The {hero} is called {name}."))
    elif draw < 0.3:
        turns.append((random.choice([f"Who helped {name}?", "Who came to help?"]), f"{capital(helper)} helped {name}."))
    elif draw < 0.4:
        turns.append((random.choice(["Where does the story take place?", f"Where did {name} live?"]), f"{name} lived in {words['home']}."))
    return turns


HOWTO = questions("howto")


def howto(random):
    (forms, answers) = random.choice(HOWTO)
    question, answer = random.choice(forms), random.choice(answers)
    if random.random() < 0.35 and answer.count(". ") >= 2:
        steps = answer.rstrip(".").split(". ")
        return [(styled(random, question.rstrip("?.") + random.choice([" step by step?", "? List the steps.", "? Give me the steps.", "? Make a numbered list."])), "\n".join(f"{i}. {step}." for i, step in enumerate(steps, 1)))]
    return [(styled(random, question), answer)]


def tales(random):
    return story(random) if random.random() < 0.6 else howto(random)
