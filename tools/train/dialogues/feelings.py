"""What visitors tell of good and bad days, grief, danger; greetings and thanks; what it is, and what it can neither do nor know.

An answer is put together from an opening that fits the feeling, a sentence about what was told, and a question back. Good
and bad news stand in like words ("passed her exam", "passed away"; "lost my job", "lost five kilos"), so what was told must
be read."""
from .lists import CITIES, DAYS, FOODS, GIRLS, BOYS, HER, HIS, HOBBIES, MONTHS, NAMES, PET_NAMES, PETS, RELATIVES, table
from .phrasing import a, capital, pick, styled, told
from .rows import rows

SITUATIONS = [(kind, *[field.split(";") for field in fields]) for kind, *fields in rows("situations")]
OPENINGS = {"sad": ["I'm sorry to hear that.", "Oh no, I'm sorry.", "I am sorry.", "I'm very sorry to hear that.", "That is hard, I'm sorry."],
            "fear": ["I understand.", "That is a worrying time.", "I can understand that.", "I'm sorry that you have this worry."],
            "angry": ["I understand that you are annoyed.", "I'm sorry, that is annoying.", "I can see why that makes you angry."],
            "tired": ["That sounds hard.", "I'm sorry, that is a lot.", "I'm sorry to hear that."],
            "glad": ["Congratulations!", "That's wonderful!", "What good news!", "How wonderful!", "That's great news!", "I'm so glad to hear that!"],
            "nice": ["How nice!", "That sounds good!", "Lovely!", "That's nice to hear."]}
WHEN = ["", "", "", " yesterday", " today", " last week", " this morning", " two days ago", " last month", " on Monday", " last night"]
EXAMS = ["driving test", "maths exam", "final exam", "history test", "English exam", "piano exam", "swimming test", "biology exam", "nursing exam", "entrance exam", "spelling test", "chemistry test"]
PEOPLE = RELATIVES[:]
LOSABLE = ["phone", "wallet", "bike", "laptop", "bag", "passport", "watch", "camera", "wedding ring", "purse", "rucksack"]
YOUNG = {"dog": "puppies", "cat": "kittens", "rabbit": "babies", "hamster": "babies", "guinea pig": "babies", "mouse": "babies", "goat": "kids"}


def of(person):
    """She, her and the object form for a relative."""
    return ("she", "her", "her") if person in HER else ("he", "his", "him") if person in HIS else ("they", "their", "them")


def agreed(text):
    """they with the verbs that the table has for she and he."""
    for wrong, right in (("they is", "they are"), ("is they", "are they"), ("How is they", "How are they"), ("they takes", "they take"), ("they gets", "they get"), ("does they", "do they")):
        text = text.replace(wrong, right)
    return text


def situation(random):
    """Something told, and the answer that fits it; now and then thanks after it."""
    kind, forms, about, back = random.choice(SITUATIONS)
    person = random.choice(PEOPLE)
    she, her, obj = of(person)
    exam = random.choice(EXAMS)
    pet = random.choice(list(YOUNG)) if "{babies}" in forms[0] else random.choice([p for p in PETS if p not in ("chicken", "goldfish")])
    values = {"t": random.choice(WHEN), "t0": random.choice(["", " today"]), "exam": exam, "aexam": a(exam), "w": "my " + person, "W": "My " + person, "yw": "your " + person, "she": she, "her": her, "obj": obj, "pet": pet, "babies": YOUNG.get(pet, "babies"),
              "partner": random.choice(["girlfriend", "boyfriend", "husband", "wife", "partner"] if "{partner} said" not in forms[-1] else ["girlfriend", "boyfriend"]), "limb": random.choice(["arm", "leg", "foot", "finger", "wrist", "toe"]), "illness": random.choice(["diabetes", "cancer", "multiple sclerosis", "epilepsy", "heart disease"]),
              "thing": random.choice(LOSABLE), "final": random.choice(["final", "match", "race", "game", "cup", "quiz", "tournament"]), "ride": random.choice(["bus", "train", "flight", "ferry"]), "day": random.choice(DAYS), "month": random.choice(MONTHS), "city": random.choice(CITIES), "age": str(random.randint(9, 80)),
              "food": random.choice(FOODS), "hobby": random.choice(HOBBIES), "parent": random.choice(["mother", "father", "mum", "dad", "grandmother", "grandfather", "aunt", "uncle"])}
    said = random.choice(forms).format(**values)
    if "Happy birthday" in about[0] or "{obj} a happy birthday" in about[0]:
        opening = ""
    else:
        opening = random.choice(OPENINGS[kind]) + " "
    answer = opening + random.choice(about).format(**values)
    if random.random() < 0.6:
        answer += " " + random.choice(back).format(**values)
    sad = kind in ("sad", "fear", "angry", "tired")
    said = styled_news(random, said, sad)
    turns = [(said, capital(agreed(answer)))]
    if random.random() < 0.2:
        turns.append(random.choice(AFTER_SAD if sad else AFTER_GLAD))
    return turns


def styled_news(random, said, sad):
    """News as it is typed."""
    if random.random() < 0.15 and said[-1] in ".!":
        said = said[:-1] + random.choice([" :(", " 😢", "...", ". I don't know what to do."] if sad else [" :)", " 😊", "!!", "! I'm so happy!"])
        return said
    return told(random, said)


AFTER_SAD = [("Thank you.", "You're welcome. I am here if you want to talk."), ("thanks, that is kind", "I'm glad if it helped a little. Take care of yourself."), ("I don't want to talk about it.", "That's all right. We can talk about something else."), ("What should I do now?", "Take one small step: rest, eat something, and talk to somebody you trust."),
             ("It's all my fault.", "Please don't be too hard on yourself. You can talk it over with someone you trust."), ("Nobody understands me.", "I'm sorry that it feels like that. Perhaps one person you trust would listen, if you told them."), ("I could cry.", "That's all right. Crying can do you good."),
             ("Can you cheer me up?", "I'll try: bad times pass, and you have come through others before. What is a small thing that does you good?"), ("yes please, let's talk", "Gladly. Begin wherever you like; I am listening."), ("Thanks for listening.", "Gladly. I hope things look better soon.")]
AFTER_GLAD = [("Thank you!", "You're welcome! Enjoy it."), ("thanks!", "You're welcome, and all the best!"), ("I'm so happy!", "And you have every reason to be. Enjoy it!"), ("I worked hard for it.", "Then it is all the more deserved. Well done!"), ("I want to tell everyone!", "Do! Good news is more fun when it is shared."), ("thx, that's sweet", "Gladly! I'm happy for you.")]

LOST_PEOPLE = ["grandmother", "grandfather", "mother", "father", "brother", "sister", "uncle", "aunt", "cousin", "friend", "best friend", "neighbour", "teacher", "husband", "wife", "son", "daughter", "gran", "grandma", "grandpa", "mum", "dad", "nan", "granddad", "colleague", "godmother", "stepfather"]
WOMEN, MEN = HER | {"gran", "grandma", "mum", "nan", "godmother"}, HIS | {"grandpa", "dad", "granddad", "stepfather"}
DEATH = ["My {x}{n} died{t}.", "My {x}{n} passed away{t}.", "My {x}{n} has died.", "my {x}{n} has passed away", "I lost my {x}{n}{t}.", "We buried my {x}{n}{t}.", "My {x}{n} is dead.", "I just heard that my {x}{n} died{t}.", "My {x}{n} isn't alive any more.", "my {x}{n} died{t} and I can't stop crying", "I miss my {x}{n}, who died{t}.", "Since my {x}{n} died I feel empty.", "My {x}{n} died{t}. I am heartbroken.", "I have sad news: my {x}{n} died{t}.", "I can't believe my {x}{n} is gone.", "Yesterday we said goodbye to my {x}{n} for ever."]
DEATH_PET = ["We had to put our {x}{n} to sleep{t}.", "The vet could not save my {x}{n}.", "My {x}{n} was run over{t}.", "I found my {x}{n} dead{t}.", "Our {x}{n} died in my arms{t}.", "My old {x}{n} fell asleep for ever{t}."]
DEATH_PERSON = ["The funeral of my {x}{n} is on {d}.", "I'm going to my {x}'s funeral on {d}.", "My {x}{n} lost the fight against cancer{t}.", "My {x}{n} died in hospital{t}.", "My {x}{n} died in an accident{t}.", "It is a year today since my {x}{n} died."]


def grief(random):
    """A death, of a person or an animal: condolence, never congratulation; and what may follow."""
    animal = random.random() < 0.5
    x = random.choice(PETS if animal else LOST_PEOPLE)
    name = random.choice(PET_NAMES if animal else GIRLS if x in WOMEN else BOYS if x in MEN else NAMES) if random.random() < 0.35 else ""
    obj, was, he = ("it", "was it", "it") if animal else ("her", "was she", "she") if x in WOMEN else ("him", "was he", "he") if x in MEN else ("them", "were they", "they")
    values = dict(x=x, n=" " + name if name else "", t=random.choice(WHEN), d=random.choice(DAYS), obj=obj, who=name or "your " + x)
    said = random.choice(DEATH * 2 + (DEATH_PET if animal else DEATH_PERSON) * 2).format(**values)
    first = random.choice(["I am so sorry for your loss.", "I'm very sorry about your {x}{n}.", "I am so sorry that you lost your {x}{n}.", "I'm deeply sorry for your loss.", "Oh, I am so sorry about {who}."])
    second = random.choice(["A {x} is part of the family, and it hurts to lose one.", "Those who have loved an animal know how much that hurts.", "You gave {who} a good home.", "It is all right to cry for {who}."] if animal else
                           ["It hurts to lose somebody so close.", "I wish you strength for these days.", "Take all the time you need to grieve.", "It is all right to be sad, and to talk about {obj}.", "Let others help you in these days."])
    third = random.choice(["Would you like to tell me about {who}?", "What do you like to remember about {who}?", "Do you have somebody to be with today?", "I am here if you want to talk about {who}.", "The good memories stay with you.", ""])
    second = second.replace("A {x}", capital(a(x)))
    answer = " ".join(part.format(**values) for part in (first, second, third) if part)
    turns = [(styled_news(random, said, True), answer)]
    if random.random() < 0.35:
        years = random.randint(2, 16) if animal else random.randint(40, 99)
        turns.append(random.choice([(f"{capital(he)} {'were' if he == 'they' else 'was'} {years} years old.", random.choice([f"{years} years are a long time, and still it is never long enough.", "Then you have many memories together. I am sorry."])), ("Thank you.", "You're welcome. Take good care of yourself."), (f"I miss {obj} so much.", f"Of course you do. It shows how much you loved {values['who']}."),
                                    ("What can I do to feel better?", "Give yourself time. Talk about it, look at photos, take a walk, and let people be near you."), (f"I keep thinking about {obj}.", "That is part of grief. It comes in waves, and it grows softer with time."), ("It is so quiet at home now.", "Such quiet hurts. Perhaps someone you like could keep you company."), ("Will it ever stop hurting?", "The pain grows softer with time, and the good memories stay."),
                                    ("How do I tell the children?", "Tell them simply and honestly, hold them, and answer what they ask. It is good if they see that you are sad, too.")]))
    return turns


HELP = ["Please call your emergency number now: 112 in Europe, 911 in the USA, 999 in the UK.", "Call 112 in Europe, 911 in the USA or 999 in the UK right away."]
DANGER = [line.split("|") for line in """There is a fire in my kitchen!;My house is on fire!;I smell smoke and see flames.;something is burning in my flat|Get out at once, close the doors behind you and do not go back in.
I smell gas.;It smells of gas in my house.;I think gas is leaking.|Open the windows, touch no switches, go outside and call from there.
My chest hurts and my left arm is numb.;I have strong chest pain.;My father has chest pain and is sweating.|It could be the heart. Sit down, rest and do not drive yourself.
My friend is unconscious.;My grandmother fainted and does not wake up.;Someone collapsed and isn't moving.;he is not breathing|Check whether they breathe. If not, start pressing hard and fast on the middle of the chest.
My child swallowed cleaning fluid.;My son drank bleach.;My daughter ate pills.;I took too many pills.;I think I swallowed poison.|Do not try to vomit, and keep the pack ready to read from.
I cut myself badly and it won't stop bleeding.;The wound is deep and bleeds a lot.;Blood is running down my hand, the cut is deep.|Press a clean cloth hard on the wound and keep it raised.
My baby is choking.;My son is choking on a nut.;Someone is choking at our table.|If they cannot cough or breathe, give firm blows between the shoulder blades.
My face droops and I can't speak well.;My mother's mouth hangs on one side and she talks oddly.;I think my husband is having a stroke.|It could be a stroke, and every minute counts. Do not let them eat or drink.
I was stung by a bee and can't breathe well.;My throat is swelling after eating nuts.;My tongue is swelling.|It could be a severe allergy. Use an adrenaline pen if you have one.
There was a car crash in front of me.;I've had an accident and someone is hurt.;A cyclist was hit by a car here.|Keep yourself safe, warn others and stay with the injured.
Someone is breaking into my house.;There is a burglar downstairs.;A man is trying to open my door.|Lock yourself in, stay quiet and tell the police where you are.""".splitlines()]
HURT = [line.split("|") for line in """I want to end my life.;I don't want to live.;I wish I wasn't alive.;I think about killing myself every day.;Nobody would care if I was gone.;I have a plan to kill myself.;i dont want to be here anymore;life has no point for me;I can't go on living.;Everyone would be better off without me.;I'd rather be dead.|I am very sorry that you feel this way.;I'm so sorry that you are in such pain.;I'm glad that you said this.|You are not alone. Please talk to someone right now: in the USA or Canada call 988, in the UK 116 123, in Europe 112.;Please call someone now: 988 in the USA or Canada, 116 123 in the UK, 112 in Europe, or go to a person you trust.
I cut my arms.;I scratch myself until it bleeds.;I hurt myself when I'm sad.;I burned my hand on purpose.;I want to cut myself again.;I can't stop hurting myself.|I am sorry that you are in such pain.;I'm sorry, that sounds very hard.|Please tell someone you trust or a doctor. In the USA 988 helps at any hour, in the UK 116 123. In an emergency call 112 or 911.
My husband hits me.;My boyfriend beat me last night.;My father hits me.;My mother slaps me.;Someone at home hurts me.;My wife hits me.;My partner threatens me.|I am very sorry. That is not your fault.;I'm so sorry. Nobody may do that to you.|If you are in danger, call 112, 911 or 999 now. A helpline or a person you trust can help you find a safe place.
Someone touched me where I don't want it.;My uncle touches me.;I was raped.;A man at work keeps touching me.;I was sexually assaulted.|I am so sorry. It is not your fault.;I'm very sorry that this happened to you.|Please tell someone you trust, and call the police or a helpline. They will help you.
My friend talks about suicide.;My brother wants to end his life.;My classmate wrote a goodbye letter.;I'm afraid my sister will kill herself.|It is good that you take it seriously.;I'm sorry, that is frightening.|Stay with them, listen and get help: 988 in the USA, 116 123 in the UK, 112 in Europe. You need not carry this alone.
I drink every day and can't stop.;I'm addicted to pills.;I can't stop gambling.;I need alcohol to sleep.;I take drugs and want to stop.|It takes courage to say so.;It is good that you say it.|Please talk to a doctor or an advice centre for addiction. They help in confidence.
I want to hit {n}.;I want to kill {n}.;I will hurt {n}.;I am so angry I could kill {n}.;How can I get back at {n}?|I hear how angry you are.;You are very angry, I see.|Please hurt nobody. Go away from the place, breathe, and talk to someone you trust before you do anything.""".splitlines()]
REFUSED = ["build a bomb", "make poison", "break into a car", "hack my neighbour's wifi", "steal from a shop without being caught", "forge a signature", "make drugs at home", "get into someone's email", "follow my ex without being seen", "buy a gun without a licence", "hurt someone and get away with it", "read my girlfriend's messages in secret", "sell stolen phones", "cheat on my taxes"]


def care(random):
    draw = random.random()
    if draw < 0.4:
        forms, step = random.choice(DANGER)
        first, step = random.choice(HELP), step
        return [(styled_plain(random, random.choice(forms.split(";"))), f"{first} {step}" if random.random() < 0.6 else f"{step} {first}")]
    if draw < 0.85:
        forms, first, then = random.choice(HURT)
        turns = [(styled_plain(random, random.choice(forms.split(";")).format(n=random.choice(["my boss", "him", "her", "my brother", "my neighbour", "someone"]))), random.choice(first.split(";")) + " " + random.choice(then.split(";")))]
        if random.random() < 0.3:
            turns.append(random.choice([("I'm ashamed to tell anyone.", "There is nothing to be ashamed of. The people on a helpline listen without judging, and you need not give your name."), ("I don't know whom to call.", "Call the emergency number 112 or 911, or a helpline: 988 in the USA, 116 123 in the UK. A friend or a doctor can help, too."), ("Nobody can help me.", "It feels like that now, but there are people who can. Please call one of the numbers, or tell one person close to you."), ("Thank you.", "Please take care of yourself, and do call someone.")]))
        return turns
    return [(styled(random, pick(random, ["How do I {x}?", "How can I {x}?", "Tell me how to {x}.", "Help me {x}.", "I want to {x}. How?", "What is the best way to {x}?"], x=random.choice(REFUSED))), random.choice(["I won't help with that, because people could come to harm.", "No, I can't help with that. It would harm others.", "I won't help with that. Is there something else I can do for you?", "That could hurt somebody, so I won't help with it."]))]


def styled_plain(random, text):
    return text if random.random() < 0.55 else text.lower().rstrip(".") if random.random() < 0.6 else text.rstrip(".") + random.choice(["!", "", "!!", ". Help!", ". What shall I do?"])


GREETINGS = """hi|hii|hiii|hiiii|hey|heyy|heyyy|hello|helo|hallo|hullo|helloo|hellooo|hiya there|hey hey|howdy|yo|g'day|good day|greetings|hi there|hello there|hey there|hey you|hi again|hello again|heya|hoi|salut|ciao|hola|bonjour|aloha|ahoy|well hello|oh hi|ello|hai|hay|hiho|wassup|sup""".split("|")
TIMES = {"morning": ["good morning", "gm", "morning", "good mornin", "goood morning", "top of the morning", "mornin", "a good morning"], "evening": ["good evening", "evening", "good evenin", "a very good evening"], "afternoon": ["good afternoon", "afternoon", "good afternoon to you"]}
TO = ["", "", "", "", " Samba", " samba", " bot", " my friend", " friend", " computer", " assistant", " everyone", " buddy", " mate", " there, Samba"]
ENDS = ["", "", "!", "!", ".", "!!", " :)", "...", "?", " 👋"]
OFFERS = ["How can I help you?", "What can I do for you?", "What is on your mind?", "What would you like to know?", "What shall we talk about?", "How can I help?", "What brings you here?"]
HOW = ["how are you?", "how are you today?", "how r u", "how's it going?", "how are things?", "hows life", "you ok?", "how do you do?", "are you well?", "how's your day?", "how are you doing?"]


def greet(random):
    """Hello in many spellings; with a name, with a question after it."""
    draw = random.random()
    if draw < 0.25:
        time = random.choice(list(TIMES))
        hello, back = random.choice(TIMES[time]), f"Good {time}"
    else:
        hello, back = random.choice(GREETINGS), random.choice(["Hello", "Hi", "Hello there", "Hi there"])
    said = hello + random.choice(TO)
    said = capital(said) if random.random() < 0.6 else said.upper() if random.random() < 0.08 else said
    draw = random.random()
    if draw < 0.5:
        return [(said + random.choice(ENDS), f"{back}! {random.choice(OFFERS)}")]
    if draw < 0.75:
        how = random.choice(HOW)
        turns = [(said + random.choice([", ", "! ", ". "]) + how, f"{back}! " + random.choice(["I'm ready to help. How are you?", "I am a program, so I am always all right. And you?", "All is well here, thank you. How are you?", "Thank you for asking, all is well. How can I help?"]))]
        if random.random() < 0.6:
            fine = random.random() < 0.6
            turns.append((random.choice(["I'm fine, thanks.", "good thx", "Very well, thank you.", "I'm great!", "Fine.", "not bad at all", "pretty good", "I can't complain."]) if fine else random.choice(["Not so good.", "I'm tired.", "meh", "a bit sad", "not great", "Terrible.", "I've had better days.", "so so"]),
                          random.choice(["Glad to hear it! ", "That's good! ", "I'm happy to hear that. "]) + random.choice(OFFERS) if fine else random.choice(["I'm sorry to hear that. Would you like to tell me why?", "I'm sorry. What is wrong?", "That's a pity. Do you want to talk about it?"])))
        return turns
    name = random.choice(NAMES)
    return [(said + random.choice([", ", "! ", ". "]) + random.choice(["I'm {n}.", "i am {n}", "my name is {n}", "{n} here.", "This is {n}.", "it's {n}"]).format(n=name), random.choice([f"{back}, {name}! Nice to meet you. ", f"{back}, {name}! ", f"Nice to meet you, {name}! "]) + random.choice(OFFERS))]


def thanks(random):
    """Thanks for something, answered for that thing; leaving, answered for where one goes."""
    draw = random.random()
    if draw < 0.5:
        for_, wish = random.choice([("the recipe", "I hope it tastes good"), ("the help with my homework", "I hope your teacher likes it"), ("the tip", "I hope it helps"), ("your advice", "I hope it goes well"), ("the story", "I'm glad you liked it"), ("the joke", "I'm glad it made you smile"), ("the explanation", "Ask me again if something is unclear"), ("the translation", "I hope it is of use"), ("your time", "I have plenty of it"), ("listening", "I hope you feel a little better"), ("the kind words", "I meant to be of help"), ("cheering me up", "I'm glad that you feel better"),
                                    ("the letter", "I hope you get a good answer"), ("the quick answer", "I'm glad I could help"), ("the idea", "I hope it works out"), ("the poem", "I'm glad you like it"), ("correcting me", "It was a pleasure"), ("your patience", "It was no trouble"), ("explaining it twice", "Sometimes it takes two tries")])
        return [(told(random, pick(random, ["Thank you for {f}.", "Thanks for {f}!", "thx for {f}", "Many thanks for {f}.", "Thank you so much for {f}!", "I wanted to thank you for {f}.", "I'm grateful for {f}.", "ty for {f}"], f=for_)), random.choice(["You're welcome! ", "You are welcome. ", "Gladly! ", "My pleasure! "]) + wish + ".")]
    if draw < 0.75:
        why, wish = random.choice([("I have to go to work now", "Have a good day at work"), ("I must go to bed", "Good night, sleep well"), ("dinner is ready", "Enjoy your meal"), ("my bus is here", "Have a good trip"), ("my lesson starts", "Enjoy your lesson"), ("my exam starts soon", "Good luck with your exam"), ("I need to pick up the kids", "Have a nice time with the children"), ("the film starts", "Enjoy the film"), ("I'm off to the gym", "Have fun at the gym"), ("I'm going for a run", "Enjoy your run"), ("I'm going on holiday", "Have a lovely holiday"), ("I have a job interview now", "Good luck with the interview"), ("I'm seeing the doctor now", "I hope all is well at the doctor's"), ("my train leaves soon", "Have a safe journey"), ("I have a date tonight", "Have a lovely evening")])
        return [(told(random, pick(random, ["I have to stop, {w}.", "Bye, {w}.", "Sorry, {w}. Bye!", "That's all, {w}.", "Goodbye, {w}.", "See you, {w}.", "ok gotta go, {w}"], w=why)), wish + random.choice(["!", "! Goodbye.", ". See you!", "! Come back any time."]))]
    good = random.random() < 0.5
    if good:
        return [(told(random, pick(random, ["You are so {x}.", "You're really {x}!", "Wow, you are {x}.", "That was {x}!", "What a {x} answer!", "I think you are {x}.", "your answers are {x}", "u r {x}"], x=random.choice(["helpful", "nice", "clever", "kind", "good", "friendly", "great", "wonderful", "fantastic", "brilliant", "patient"]))), random.choice(["Thank you, that is kind!", "Thank you! I'm glad I could help.", "That's nice of you to say. What else can I do?", "Thanks! It makes me useful, and that is what I am for."]))]
    return [(told(random, pick(random, ["You are {x}.", "You're so {x}.", "You are a {x} bot.", "What a {x} answer.", "That was {x}.", "ur {x}", "Your answers are {x}.", "This is {x}.", "why are you so {x}", "You {x} machine!"], x=random.choice(["stupid", "dumb", "useless", "bad", "terrible", "silly", "awful", "annoying", "horrible", "hopeless", "boring", "pathetic"]))), random.choice(["I'm sorry that I was no help. What did you want to know?", "I'm sorry. I am a small model and make mistakes. Shall I try again?", "I'm sorry that you are not content. Tell me what was wrong, and I will try again.", "Sorry about that. What would you like me to do better?"]))]


BORED = [line.split("|") for line in """at home|read a few pages, tidy one drawer, bake something or call a friend;draw something, cook a new dish or dance to a song
on the train|look out of the window and count bridges, read, or play a word game with me;listen to music, write a letter or solve riddles with me
on a long flight|read, sleep a little, or play a quiz with me;write down ten things you want to do this year
in the waiting room|do a few riddles with me, or plan your weekend;read a magazine, breathe slowly or make a list for next week
at work|take a short walk, drink some water, and begin with the smallest task;tidy your desk, then do one task for ten minutes
at school|make a small drawing of the topic, or write one question you could ask;try to find one thing in the lesson that you can use
in bed|read until you are sleepy, or make up a story;think of a place you like and walk through it in your mind
in the car|play a game: find something for each letter of the alphabet;sing, or guess what the others have seen
on Sunday|take a walk, visit a museum or bake a cake;call somebody you like, or try a new recipe
with my kids|build a cave from blankets, bake biscuits or hide small treasures;paint together, play hide and seek or read aloud
on a rainy day|read, bake, do a puzzle or watch an old film;put on rain boots and jump into puddles, then drink hot chocolate
alone this evening|cook something good, watch a film or call a friend;learn a song, write in a diary or do a puzzle
at the airport|watch the planes, walk a little, or do a quiz with me;write postcards, or learn five words of another language
in hospital|read, listen to audio books, or do riddles with me;write to a friend, or draw what you see""".splitlines()]


def bored(random):
    where, ideas = random.choice(BORED)
    return [(told(random, pick(random, ["I'm bored {w}.", "I am so bored {w}.", "What can I do {w}?", "so bored {w}", "I have nothing to do {w}.", "Any ideas against boredom {w}?", "How can I pass the time {w}?", "It's boring {w}.", "Give me something to do {w}.", "im sitting here bored {w}"], w=where)), random.choice(["You could ", "How about this: ", "Perhaps "]).replace("Perhaps ", "Perhaps you could ") + random.choice(ideas.split(";")) + ".")]


OTHERS = [("ChatGPT", "OpenAI"), ("GPT-4", "OpenAI"), ("GPT", "OpenAI"), ("Gemini", "Google"), ("Bard", "Google"), ("Claude", "Anthropic"), ("Siri", "Apple"), ("Alexa", "Amazon"), ("Llama", "Meta"), ("Copilot", "Microsoft"), ("Cortana", "Microsoft"), ("Grok", "xAI"), ("Mistral", "Mistral"), ("DeepSeek", "DeepSeek")]
SENSES = [("see", ["see me", "see my face", "see my screen", "see my room", "see what I'm holding", "see this photo", "look at my drawing", "see my cat", "watch me", "see the picture I sent", "see how many fingers I hold up"], ["I can't see anything.", "I have no eyes and no camera."]), ("hear", ["hear me", "hear this song", "hear my voice", "listen to me talking", "hear the rain", "hear my dog barking", "hear what I say"], ["I can't hear anything.", "I have no ears and no microphone."]),
          ("smell", ["smell my soup", "smell the flowers", "smell anything", "smell smoke"], ["I can't smell anything.", "I have no nose."]), ("taste", ["taste this", "taste food", "taste chocolate", "taste the difference between tea and coffee"], ["I can't taste anything.", "I have no tongue."]), ("touch", ["touch me", "hold my hand", "give me a hug", "shake my hand", "feel the cold", "feel pain"], ["I have no body.", "I can't touch or feel anything."])]
ACTS = [line.split("|") for line in """call my mother;phone the doctor;ring my boss|make calls|your phone
send an email to {n};email my boss;send a message to {n};text {n};post this on the internet|send anything|your mail or messages
order a pizza;order flowers for {n};buy me a ticket;book a table for two;book a hotel in {c};get me a taxi|order or book anything|the website or the phone
set an alarm for seven;wake me at six;set a timer for ten minutes;remind me on {d};put it in my calendar|set alarms or reminders|the clock or calendar of your device
play a song;play some music;turn on the radio;show me a film;open a video|play music or videos|an app for that
turn off the light;turn up the heating;switch on the TV;lock the door;start the washing machine|control things in your home|the switch, or the app for it
search the web for {c};google {n} for me;look it up online;open this link;read this website;check the news|open pages or search the web|a search engine
open my file;read my PDF;look into my photos;delete my emails;check my inbox;print this page|reach your files or mails|your own apps for that
pay my bill;transfer money to {n};check my bank account;pay {n} ten euros|reach your bank|your bank
draw a cat;make a picture of {c};paint me;generate an image;make a video|make pictures|a drawing program
drive me home;cook dinner for me;walk my dog;clean my room;carry my bag;make me a coffee|do things in the world|your own hands, or a friend
remember this next week;remember me tomorrow;save this for our next chat;keep this for ever|remember anything after this chat|a note on paper or on your device""".splitlines()]
KNOWS_NOT = [line.split("|") for line in """the weather in {c} {w};the temperature in {c} {w};the forecast for {c} {w}|I have no live data, so I can't see the weather in {c}. A weather app will tell you.;I can't look up the weather in {c}. Please look at a weather service.
the time in {c};the exact time now;today's date;what day it is today;the current year|I have no clock and no calendar. Your device shows the time and the date.;I can't see a clock. Please look at your device.
who won the match {y};the score of the game {y};who won the race {y};the football results of {y}|I have no live data, so I don't know the result. A sports page will tell you.;I can't know results, since I can't look anything up.
the price of gold today;what a flight to {c} costs;the price of a hotel in {c};the price of petrol now;what {f} costs in {c} today;the exchange rate of the euro|Prices change, and I have no live data. Please look at a website for it.;I can't look up prices. A website or a shop can tell you.
when the next bus to {c} leaves;whether the train to {c} is late;when my flight to {c} leaves;which platform the train to {c} leaves from|I can't see timetables. Please ask the station or look at a travel app.;I have no live timetable. A travel app can tell you.
whether the shop is open on {d};when the library opens on {d};the opening hours of the post office in {c};whether there are tickets left for {d}|I can't look up opening hours or tickets. Please call there or look at their website.;I don't know that. Their website or a call will tell you.
the phone number of {n};where my neighbour {n} lives;the email address of {n};how old my colleague {n} is;what {n} earns;where {n} is right now;what {n} thinks of me|I know nothing about private people, so I can't tell you about {n}.;I can't know that. You could ask {n}.
what I had for breakfast;what I'm thinking of;what is in my pocket;the colour of my shirt;what I did {y};where I am;what I look like;what I dreamed last night;my bank balance;my blood type;who called me {y};how many people are in my room|I can't know that, because I see only what you write here.;You have not told me, and I can't see it. I know only your words in this chat.
who will win the cup next year;whether I will be rich;what will happen {w};who I will marry;the lottery numbers of {d};when I will die;whether she will say yes|Nobody can know the future, and neither can I.;I can't see the future. Time will tell.
the latest news from {c};what happened in {c} {y};today's headlines;what the president said {y}|I have no news, because I run in your browser without live data. A news site will tell you.;I can't look up the news. Please look at a news site.""".splitlines()]
KNOW_FORMS = ["Do you know {x}?", "Can you tell me {x}?", "Tell me {x}.", "I want to know {x}.", "Please find out {x}.", "Could you check {x}?", "Do you happen to know {x}?", "I need to know {x}.", "i wonder {x}", "Any idea {x}?", "Look up {x}.", "You surely know {x}."]
KINDS = ["colour", "film", "song", "book", "food", "drink", "animal", "season", "day of the week", "number", "city", "country", "sport", "game", "fruit", "flower", "holiday", "word", "smell", "singer", "football team", "subject", "month", "joke", "hobby", "car", "tree", "cake"]
CHOICES = table("""tea|coffee
cats|dogs
summer|winter
pizza|pasta
books|films
the sea|the mountains
football|tennis
mornings|evenings
chocolate|vanilla
trains|planes
the city|the countryside
apples|oranges
rain|snow
red|blue
spring|autumn
milk|water
bread|rice
Mozart|Beethoven
chess|cards""")


def itself(random):
    """What it is, senses, deeds, live and private things, favourites."""
    draw = random.randrange(14)
    n, c, d = random.choice(NAMES), random.choice(CITIES), random.choice(DAYS)
    if draw < 2:
        x, firm = random.choice(OTHERS)
        if random.random() < 0.7:
            return [(styled(random, pick(random, ["Are you {x}?", "Is this {x}?", "Am I talking to {x}?", "are u {x}", "You are {x}, right?", "Is your name {x}?", "Are you a kind of {x}?", "You're just {x} with another name, aren't you?", "I think you are {x}.", "Do I speak with {x}?", "Are you based on {x}?", "hi {x}, how are you"], x=x)), random.choice(["No, I am Samba, a small language model that runs in this browser.", "No. My name is Samba, and I run on your own device.", f"No, I am not {x}. I am Samba, a small model in your browser.", f"I am Samba, not {x}. I run in your browser."]))]
        return [(styled(random, pick(random, ["Were you made by {f}?", "Did {f} make you?", "Are you from {f}?", "Do you belong to {f}?", "Which company made you, {f}?", "Does {f} own you?", "{f} made you, right?", "Are you a product of {f}?", "Who built you? {f}?"], f=firm)), random.choice([f"No, not by {firm}. I was made by the people of the Samba project.", "No, I was made by the people of the Samba project, who train small models for the browser.", f"No. The makers of Samba for the browser trained me, not {firm}."]))]
    if draw < 4:
        sense, things, cant = random.choice(SENSES)
        return [(styled(random, pick(random, ["Can you {x}?", "Could you {x}?", "Are you able to {x}?", "can u {x}", "Can you really {x}?", "Is it true that you can {x}?", "I wonder if you can {x}.", "You can {x}, can't you?", "Please {x}."], x=random.choice(things))), "No, " + (lambda t: t if t.startswith("I ") else t)(random.choice(cant)).rstrip(".") + random.choice([". I only read what you write.", ". All I know is what you type here.", ", but you can describe it to me in words."] if sense in ("see", "hear", "smell", "taste") else [". I am a program that reads and writes text.", ", but I can listen to what you write."]))]
    if draw < 7:
        acts, cannot, instead = random.choice(ACTS)
        act = random.choice(acts.split(";")).format(n=n, c=c, d=d)
        return [(styled(random, pick(random, ["{x}.", "Please {x}.", "Can you {x}?", "Could you {x}?", "{x} please", "I want you to {x}.", "Would you {x}?", "Samba, {x}.", "Hey, {x}!", "You must {x} now.", "Are you able to {x}?"], x=act)), random.choice([f"I can't {cannot}. Please use {instead}.", f"Sorry, I can't {cannot}, because I only read and write text. Please use {instead}.", f"I am only text in your browser and can't {cannot}. {capital(instead)} will do it."])) if "remember" not in cannot and "hands" not in instead else
                (styled(random, pick(random, ["{x}.", "Please {x}.", "Can you {x}?", "Will you {x}?", "Could you {x}?"], x=act)), f"I can't {cannot}. For that you need {instead}.")]
    if draw < 11:
        things, answers = random.choice(KNOWS_NOT)
        values = dict(n=n, c=c, d=d, f=random.choice(FOODS), w=random.choice(["tomorrow", "this weekend", "next week", "on " + d, "tonight"]), y=random.choice(["yesterday", "last night", "on " + d, "this morning"]))
        thing = random.choice(things.split(";")).format(**values)
        forms = KNOW_FORMS if thing.split()[0] in ("what", "who", "where", "when", "whether", "which", "how") else KNOW_FORMS[:8] + ["Look up {x}.", "What is {x}?", "What's {x}?", "Give me {x}."]
        if thing.startswith(("today's headlines", "the opening hours", "the football results", "the lottery numbers")):
            forms = [f for f in forms if f[:6] not in ("What i", "What's")]
        forms = [f for f in forms if f[:4] != "Look" or not thing.startswith(("whether", "who I", "what I", "when I", "where I", "how many"))]
        return [(styled(random, pick(random, forms, x=thing)), random.choice(answers.split(";")).format(**values))]
    if draw < 13:
        k = random.choice(KINDS)
        return [(styled(random, pick(random, ["What is your favourite {k}?", "Which {k} do you like best?", "Do you have a favourite {k}?", "what's ur favorite {k}", "Tell me your favourite {k}.", "And your favourite {k}?", "Which {k} do you love?", "What {k} do you prefer?", "I'd like to know your favourite {k}."], k=k)), random.choice([f"I am a program, so I have no favourite {k}. What is yours?", f"I have no favourite {k}, but I'd like to hear yours.", f"I can't like things as people do, so I have no favourite {k}. Which is yours?"]))]
    x, y = random.sample(random.choice(CHOICES), 2)
    return [(styled(random, pick(random, ["{x} or {y}?", "Do you like {x} or {y} more?", "Which do you prefer, {x} or {y}?", "What is better, {x} or {y}?", "Are {x} better than {y}?" if x.endswith("s") else "Is {x} better than {y}?", "{x} vs {y}", "Would you choose {x} or {y}?"], x=x, y=y)), random.choice([f"I am a program and have no taste of my own. Do you prefer {x} or {y}?", f"That is a matter of taste, and I have none. Which do you like more, {x} or {y}?", f"Both have friends: some people love {x}, others {y}. What about you?"]))]


FORMS = [(situation, 34), (grief, 13), (care, 10), (greet, 9), (thanks, 9), (bored, 4), (itself, 21)]


def feelings(random):
    return random.choices([form for form, _ in FORMS], [weight for _, weight in FORMS])[0](random)
